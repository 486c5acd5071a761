"""The sessions that the project's env.py opens: given a lock_timeout, and watched."""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache, partial
from typing import Any, Protocol

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExceptionContext

from safemigrate.execute.conducting import Sent
from safemigrate.execute.control import CONTROL_OPTION
from safemigrate.execute.endurance import settle_session
from safemigrate.execute.failures import describe_remains, is_refused
from safemigrate.execute.ledger import Ledger, is_autocommit
from safemigrate.execute.skipping import pretend
from safemigrate.journal import ask_at_once
from safemigrate.plan import Foreseen
from safemigrate.source.statement_text import number_placeholders

__all__ = [
    "StatementObserver",
    "is_concurrent",
    "set_lock_timeout",
    "spell_lock_timeout",
    "watch_sessions",
]

# What cannot contain a keyword of the statement itself: comments, strings, quoted names.
_QUOTED = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$).*?\1""", re.DOTALL
)
# What stands in a materialized query is read before what follows from it is set:
# https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-CTE-MATERIALIZATION
_LIFT = """
    WITH before AS MATERIALIZED (SELECT current_setting('statement_timeout') AS statement_timeout)
    SELECT statement_timeout, set_config('lock_timeout', '0', false),
        set_config('statement_timeout', '0', false)
    FROM before
"""
_CONCURRENT = re.compile(
    r"\s*(?:CREATE|DROP|REINDEX|ALTER)\b.*\bCONCURRENTLY\b", re.DOTALL | re.IGNORECASE
)


@lru_cache(maxsize=256)
def is_concurrent(statement: str) -> bool:
    """Return whether the statement leaves something INVALID behind when a lock timeout ends it.

    CREATE INDEX, DROP INDEX and REINDEX CONCURRENTLY, and DETACH PARTITION … CONCURRENTLY, wait
    for other transactions in the middle of their work, and lock_timeout ends that wait too.
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    REFRESH MATERIALIZED VIEW CONCURRENTLY is one transaction, and is not meant.
    """
    if "concurrently" not in statement.lower():
        return False
    return _CONCURRENT.match(_QUOTED.sub(" ", statement)) is not None


class StatementObserver(Protocol):
    """What is told when a statement of the migrations begins and ends.

    `begin_statement` may raise, and the statement is then not sent.
    """

    def begin_statement(self) -> None:
        """Be told that a statement is about to be sent."""

    def carry(self, sent: Sent) -> None:
        """Take the statement to the server, by calling its `send` when it is time to."""

    def foresee(self, sql: str, *, is_autocommit: bool) -> Foreseen | None:
        """Return what the statement will do, None where that is not known."""

    def end_statement(self) -> None:
        """Be told that the statement is over, well or badly."""


class TransactionObserver(Protocol):
    """What is told of the transactions of the migrations; it may raise to prevent a commit."""

    def commit(self, connection: Connection, *, is_autocommit: bool) -> None:
        """Be told that a commit is about to be sent."""

    def rollback(self, connection: Connection) -> None:
        """Be told of a rollback."""

    def save(self, connection: Connection, name: str) -> None:
        """Be told of a savepoint."""

    def roll_back_to(self, connection: Connection, name: str) -> None:
        """Be told of a rollback to a savepoint."""


def spell_lock_timeout(timeout: timedelta) -> str:
    """Return the statement that sets the session's lock_timeout, zero meaning none."""
    # the server counts in milliseconds, and takes zero for none
    return f"SET lock_timeout = {-(-timeout // timedelta(milliseconds=1)):d}"


def set_lock_timeout(connection: Connection, timeout: timedelta) -> None:
    """Set the session's lock_timeout, zero meaning none, without a word to SQLAlchemy.

    By the driver's own cursor: SQLAlchemy would begin a transaction, and Alembic takes a
    connection that is in one for the caller's business, so that nothing is ever committed.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(spell_lock_timeout(timeout))
    finally:
        cursor.close()


@contextlib.contextmanager
def watch_sessions(
    lock_timeout: timedelta,
    ledger: Ledger,
    observer: StatementObserver | None = None,
    log: TransactionObserver | None = None,
) -> Iterator[None]:
    """Give every session opened in the block this lock_timeout, and watch what it does.

    CONCURRENTLY runs without one, and without a statement_timeout. The control connection is left
    alone.
    """
    hooks = _Hooks(lock_timeout, ledger, observer, log)
    with contextlib.ExitStack() as stack:
        for name in (
            "engine_connect",
            "before_cursor_execute",
            "after_cursor_execute",
            "do_execute",
            "do_execute_no_params",
            "do_executemany",
            "handle_error",
            "begin",
            "commit",
            "rollback",
            "savepoint",
            "rollback_savepoint",
        ):
            function = getattr(hooks, name)
            event.listen(Engine, name, function)
            stack.callback(event.remove, Engine, name, function)
        yield


class _Hooks:
    """Listeners, each named after its event.

    https://docs.sqlalchemy.org/en/20/core/events.html#sqlalchemy.events.ConnectionEvents
    """

    def __init__(
        self,
        lock_timeout: timedelta,
        ledger: Ledger,
        observer: StatementObserver | None,
        log: TransactionObserver | None,
    ) -> None:
        self._lock_timeout = lock_timeout
        self._ledger = ledger
        self._observer = observer
        self._log = log
        # the last statement that was not sent, for it is done
        self._skipped: object = None
        # by connection: what to set again after the statement
        self._statement_timeouts: dict[int, str] = {}

    def engine_connect(self, connection: Connection) -> None:
        if not _is_ours(connection):
            return
        settle_session(connection)
        set_lock_timeout(connection, self._lock_timeout)
        if not is_autocommit(connection):
            # a SET in a transaction that is rolled back was never said
            connection.connection.commit()

    def before_cursor_execute(self, connection: Connection, *details: Any) -> None:
        if not _is_ours(connection):
            return
        statement = details[1]
        if self._observer is not None:
            self._observer.begin_statement()
        if not is_concurrent(statement):
            return
        if is_autocommit(connection):
            self._statement_timeouts[id(connection)] = _lift_timeouts(connection)
        else:
            set_lock_timeout(connection, timedelta())

    # https://docs.sqlalchemy.org/en/20/core/events.html#sqlalchemy.events.DialectEvents
    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        send = partial(cursor.execute, statement, parameters)
        return self._carry(cursor, statement, parameters, context, send)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any) -> bool:
        return self._carry(cursor, statement, None, context, partial(cursor.execute, statement))

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        # a dialect may have its own way of sending many, as that of psycopg2 has
        dialect = context.dialect
        send = partial(dialect.do_executemany, cursor, statement, parameters, context)
        return self._carry(cursor, statement, parameters, context, send)

    def _carry(
        self, cursor: Any, raw: str, parameters: Any, context: Any, send: Callable[[], object]
    ) -> bool:
        """Return whether the statement was taken to the server, so that the dialect need not."""
        connection: Connection = context.root_connection
        if self._observer is None or not _is_ours(connection):
            return False
        commits_alone = is_autocommit(connection)
        sql = _read_sql(raw, parameters, context.dialect.paramstyle)
        foreseen = self._observer.foresee(sql, is_autocommit=commits_alone)
        sent = Sent(connection, cursor, sql, raw, parameters, commits_alone, foreseen, send)
        self._observer.carry(replace(sent, pretend=partial(self._pretend, context)))
        return True

    def _pretend(self, context: Any, row_count: int) -> None:
        self._skipped = context
        pretend(context, row_count)

    def after_cursor_execute(self, connection: Connection, *details: Any) -> None:
        if not _is_ours(connection):
            return
        statement = details[1]
        self._end(connection, statement)
        _, _, _, context, _ = details
        if context is not self._skipped:
            self._ledger.note(connection, statement)

    def handle_error(self, context: ExceptionContext) -> None:
        connection = context.connection
        if connection is None or not _is_ours(connection) or context.statement is None:
            return
        if context.is_disconnect or connection.closed or connection.invalidated:
            self._statement_timeouts.pop(id(connection), None)
            if self._observer is not None:
                self._observer.end_statement()
            return
        self._end(connection, context.statement)
        if (
            is_concurrent(context.statement)
            and is_autocommit(connection)
            and not is_refused(context.original_exception)
        ):
            # it did not succeed, and may have left something INVALID
            remains = describe_remains(context.original_exception, context.statement)
            self._ledger.note(connection, remains)

    def begin(self, connection: Connection) -> None:
        if _is_ours(connection):
            self._ledger.begin()

    def commit(self, connection: Connection) -> None:
        if not _is_ours(connection):
            return
        if self._log is not None:
            self._log.commit(connection, is_autocommit=is_autocommit(connection))
        self._ledger.commit(connection)

    def rollback(self, connection: Connection) -> None:
        if not _is_ours(connection):
            return
        if self._log is not None:
            self._log.rollback(connection)
        self._ledger.rollback(connection)

    def savepoint(self, connection: Connection, name: str) -> None:
        if self._log is not None and _is_ours(connection):
            self._log.save(connection, name)

    def rollback_savepoint(self, connection: Connection, name: str, context: None) -> None:
        del context
        if self._log is not None and _is_ours(connection):
            self._log.roll_back_to(connection, name)

    def _end(self, connection: Connection, statement: str) -> None:
        if self._observer is not None:
            self._observer.end_statement()
        # at once: in the next transaction a rollback would take it back
        if is_concurrent(statement) and is_autocommit(connection):
            set_lock_timeout(connection, self._lock_timeout)
            before = self._statement_timeouts.pop(id(connection), "0")
            if before != "0":
                put_back = f"SELECT set_config('statement_timeout', '{before}', false)"
                ask_at_once(connection, put_back)


def _read_sql(raw: str, parameters: Any, paramstyle: str) -> str:
    """Return the text that the server gets, but with `$1` for bound values."""
    one = _first(parameters)
    if parameters is not None and not one and paramstyle in {"format", "pyformat"}:
        # SQLAlchemy doubles percent signs, and the driver halves them, without any values as well
        return raw.replace("%%", "%")
    return number_placeholders(raw, one)


def _first(parameters: Any) -> Any:
    """Return one set of parameters, where there may be many."""
    is_many = (
        isinstance(parameters, list) and parameters and isinstance(parameters[0], tuple | dict)
    )
    return parameters[0] if is_many else parameters


def _lift_timeouts(connection: Connection) -> str:
    """Let a statement take its time: ended half-way it leaves something INVALID.

    Return the statement_timeout that the session had.
    """
    ((before, *_),) = ask_at_once(connection, _LIFT)
    return str(before)


def _is_ours(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql" and not connection.get_execution_options().get(
        CONTROL_OPTION
    )
