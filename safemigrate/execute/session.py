"""The sessions that the project's env.py opens: given a lock_timeout, and watched."""

import contextlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExceptionContext

from safemigrate.execute.blockers import shorten_query
from safemigrate.execute.conducting import Sent
from safemigrate.execute.control import CONTROL_OPTION
from safemigrate.execute.failures import is_refused
from safemigrate.plan import Foreseen
from safemigrate.source.statement_text import number_placeholders

__all__ = ["Ledger", "StatementObserver", "is_concurrent", "set_lock_timeout", "watch_sessions"]

# What cannot contain a keyword of the statement itself: comments, strings, quoted names.
_QUOTED = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|(\$\w*\$).*?\1""", re.DOTALL
)
_CONCURRENT = re.compile(
    r"\s*(?:CREATE|DROP|REINDEX|ALTER)\b.*\bCONCURRENTLY\b", re.DOTALL | re.IGNORECASE
)
_CHANGES_NOTHING = re.compile(r"\s*(?:SHOW|SET|RESET|SELECT\b.*\bpg_catalog\b)", re.DOTALL)


def is_concurrent(statement: str) -> bool:
    """Return whether the statement leaves something INVALID behind when a lock timeout ends it.

    CREATE INDEX, DROP INDEX and REINDEX CONCURRENTLY, and DETACH PARTITION … CONCURRENTLY, wait
    for other transactions in the middle of their work, and lock_timeout ends that wait too.
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    REFRESH MATERIALIZED VIEW CONCURRENTLY is one transaction, and is not meant.
    """
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


class Ledger:
    """What the revision in hand has committed so far, whatever connection it used.

    `committed`: the first line of each statement that may have changed something and can not be
    rolled back any more. `committing`: the same for a commit whose outcome is not seen yet.
    """

    def __init__(self) -> None:
        self.committed: list[str] = []
        self.committing: list[str] = []
        self._pending: dict[int, list[str]] = {}

    def clear(self) -> None:
        """Begin anew, for the next attempt or revision."""
        self.committed.clear()
        self.committing.clear()
        self._pending.clear()

    def begin(self) -> None:
        """Count what was being committed: a transaction follows it, so it was."""
        self.committed.extend(self.committing)
        self.committing.clear()

    def note(self, connection: Connection, statement: str) -> None:
        """Count a statement that was carried out."""
        if _CHANGES_NOTHING.match(statement):
            return
        line = shorten_query(statement)
        if _is_autocommit(connection):
            self.committed.append(line)
        else:
            self._pending.setdefault(id(connection), []).append(line)

    def commit(self, connection: Connection) -> None:
        """Count what the transaction did, which is about to be committed."""
        pending = self._pending.pop(id(connection), [])
        if pending and not _is_autocommit(connection) and _has_written(connection):
            self.committing.extend(pending)

    def rollback(self, connection: Connection) -> None:
        """Forget what the transaction did."""
        self._pending.pop(id(connection), None)


def set_lock_timeout(connection: Connection, timeout: timedelta) -> None:
    """Set the session's lock_timeout, zero meaning none, without a word to SQLAlchemy.

    By the driver's own cursor: SQLAlchemy would begin a transaction, and Alembic takes a
    connection that is in one for the caller's business, so that nothing is ever committed.
    """
    # the server counts in milliseconds, and takes zero for none
    milliseconds = -(-timeout // timedelta(milliseconds=1))
    cursor = connection.connection.cursor()
    try:
        cursor.execute(f"SET lock_timeout = {int(milliseconds)}")
    finally:
        cursor.close()


@contextlib.contextmanager
def watch_sessions(
    lock_timeout: timedelta, ledger: Ledger, observer: StatementObserver | None = None
) -> Iterator[None]:
    """Give every session opened in the block this lock_timeout, and watch what it does.

    CONCURRENTLY runs without one, and without a statement_timeout. The control connection is left
    alone.
    """
    hooks = _Hooks(lock_timeout, ledger, observer)
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
        self, lock_timeout: timedelta, ledger: Ledger, observer: StatementObserver | None
    ) -> None:
        self._lock_timeout = lock_timeout
        self._ledger = ledger
        self._observer = observer
        # by connection, in milliseconds: what to set again after the statement
        self._statement_timeouts: dict[int, int] = {}

    def engine_connect(self, connection: Connection) -> None:
        if not _is_ours(connection):
            return
        set_lock_timeout(connection, self._lock_timeout)
        if not _is_autocommit(connection):
            # a SET in a transaction that is rolled back was never said
            connection.connection.commit()

    def before_cursor_execute(self, connection: Connection, *details: Any) -> None:
        if not _is_ours(connection):
            return
        statement = details[1]
        if self._observer is not None:
            self._observer.begin_statement()
        if is_concurrent(statement):
            set_lock_timeout(connection, timedelta())
            if _is_autocommit(connection):
                self._lift_statement_timeout(connection)

    # https://docs.sqlalchemy.org/en/20/core/events.html#sqlalchemy.events.DialectEvents
    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        send = partial(cursor.execute, statement, parameters)
        return self._carry(cursor, statement, parameters, context, send)

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any) -> bool:
        return self._carry(cursor, statement, None, context, partial(cursor.execute, statement))

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        if context.dialect.driver == "psycopg2":
            # its dialect has its own way of sending many, which is all that is wanted here
            return False
        send = partial(cursor.executemany, statement, parameters)
        return self._carry(cursor, statement, parameters, context, send)

    def _carry(
        self, cursor: Any, raw: str, parameters: Any, context: Any, send: Callable[[], object]
    ) -> bool:
        """Return whether the statement was taken to the server, so that the dialect need not."""
        connection: Connection = context.root_connection
        if self._observer is None or not _is_ours(connection):
            return False
        is_autocommit = _is_autocommit(connection)
        sql = number_placeholders(raw, _first(parameters))
        foreseen = self._observer.foresee(sql, is_autocommit=is_autocommit)
        self._observer.carry(
            Sent(connection, cursor, sql, raw, parameters, is_autocommit, foreseen, send)
        )
        return True

    def after_cursor_execute(self, connection: Connection, *details: Any) -> None:
        if not _is_ours(connection):
            return
        statement = details[1]
        self._end(connection, statement)
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
            and _is_autocommit(connection)
            and not is_refused(context.original_exception)
        ):
            # it did not succeed, and may have left something INVALID
            self._ledger.note(connection, context.statement)

    def begin(self, connection: Connection) -> None:
        if _is_ours(connection):
            self._ledger.begin()

    def commit(self, connection: Connection) -> None:
        if _is_ours(connection):
            self._ledger.commit(connection)

    def rollback(self, connection: Connection) -> None:
        if _is_ours(connection):
            self._ledger.rollback(connection)

    def _end(self, connection: Connection, statement: str) -> None:
        if self._observer is not None:
            self._observer.end_statement()
        # at once: in the next transaction a rollback would take it back
        if is_concurrent(statement) and _is_autocommit(connection):
            set_lock_timeout(connection, self._lock_timeout)
            milliseconds = self._statement_timeouts.pop(id(connection), 0)
            if milliseconds:
                _set_statement_timeout(connection, milliseconds)

    def _lift_statement_timeout(self, connection: Connection) -> None:
        """Let the statement take its time: ended half-way it leaves something INVALID."""
        milliseconds = _read_statement_timeout(connection)
        if milliseconds:
            self._statement_timeouts[id(connection)] = milliseconds
            _set_statement_timeout(connection, 0)


def _first(parameters: Any) -> Any:
    """Return one set of parameters, where there may be many."""
    is_many = (
        isinstance(parameters, list) and parameters and isinstance(parameters[0], tuple | dict)
    )
    return parameters[0] if is_many else parameters


def _read_statement_timeout(connection: Connection) -> int:
    """Return it in milliseconds, zero for none."""
    cursor = connection.connection.cursor()
    try:
        # unlike SHOW, this view gives the bare number
        # https://www.postgresql.org/docs/current/view-pg-settings.html
        cursor.execute(
            "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'statement_timeout'"
        )
        row = cursor.fetchone()
    finally:
        cursor.close()
    return int(row[0]) if row is not None else 0


def _set_statement_timeout(connection: Connection, milliseconds: int) -> None:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(f"SET statement_timeout = {milliseconds:d}")
    finally:
        cursor.close()


def _is_ours(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql" and not connection.get_execution_options().get(
        CONTROL_OPTION
    )


def _is_autocommit(connection: Connection) -> bool:
    # every driver that SQLAlchemy has for PostgreSQL says so in this attribute
    return bool(getattr(connection.connection.dbapi_connection, "autocommit", False))


def _has_written(connection: Connection) -> bool:
    """Return whether the transaction has an id, which it gets by its first write.

    https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-SNAPSHOT
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute("SELECT pg_current_xact_id_if_assigned() IS NOT NULL")
        row = cursor.fetchone()
    except Exception:  # noqa: BLE001 - any driver's error: a transaction that takes no SELECT commits nothing
        return False
    finally:
        cursor.close()
    return row is not None and bool(row[0])
