"""A driver in the sense of PEP 249 that reaches no database: it notes what it is given.

It answers what every server answers alike (its version, its settings) and gives no rows for
anything else.
"""

import re
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from safemigrate.model import Span
from safemigrate.source.statement_text import (
    TransactionEffect,
    first_keyword,
    is_query,
    number_placeholders,
    transaction_effect,
)
from safemigrate.source.tape import Tape
from safemigrate.sql import split_statements

__all__ = ["Connection", "Cursor", "RecordingDBAPI", "split_sent"]

Row = tuple[object, ...]
Column = tuple[str, int | None, None, None, None, None, None]

# Drivers that believe a transaction they began goes on until they end it themselves. After a
# COMMIT sent as text the others ask the server's status and begin anew before the next statement;
# these do not, and what follows runs outside a transaction.
_TRUSTING_DRIVERS = frozenset({"asyncpg", "psycopg2", "psycopg2cffi"})

# set_isolation_level() of psycopg2 and of SQLAlchemy's asyncpg connection
_AUTOCOMMIT_LEVELS = (0, "autocommit")


class Warning(Exception):  # noqa: A001, N818 - the names of PEP 249
    """PEP 249."""


class Error(Exception):
    """PEP 249."""


class InterfaceError(Error):
    """PEP 249."""


class DatabaseError(Error):
    """PEP 249."""


class DataError(DatabaseError):
    """PEP 249."""


class OperationalError(DatabaseError):
    """PEP 249."""


class IntegrityError(DatabaseError):
    """PEP 249."""


class InternalError(DatabaseError):
    """PEP 249."""


class ProgrammingError(DatabaseError):
    """PEP 249."""


class NotSupportedError(DatabaseError):
    """PEP 249."""


class RecordingDBAPI:
    """The driver's module, as SQLAlchemy wants it; `tape` is where its connections note.

    Outside a recording `tape` is None and nothing can connect.
    """

    apilevel = "2.0"
    threadsafety = 0
    paramstyle = "numeric_dollar"
    __name__ = "safemigrate.source.dbapi"
    __version__ = "1.0.0"

    Warning = Warning
    Error = Error
    InterfaceError = InterfaceError
    DatabaseError = DatabaseError
    DataError = DataError
    OperationalError = OperationalError
    IntegrityError = IntegrityError
    InternalError = InternalError
    ProgrammingError = ProgrammingError
    NotSupportedError = NotSupportedError
    Binary = bytes

    def __init__(self) -> None:
        self.tape: Tape | None = None

    def connect(self, *_: object, driver: str = "", **__: object) -> "Connection":
        """Return a connection that notes; `driver`: the one whose manners it has."""
        if self.tape is None:
            raise OperationalError("this engine was made for reading migrations, which is over")
        return Connection(self.tape, driver)


class Connection:
    """A connection that notes what it is given, and knows its transaction as PostgreSQL would.

    `doubles_percent_signs`: the driver whose manners it has wants `%%` for a percent sign.
    """

    Error = Error
    closed = False

    def __init__(self, tape: Tape, driver: str) -> None:
        self.tape = tape
        self.autocommit = False
        self.isolation_level: object = None
        self.read_only: object = None
        self.readonly: object = None
        self.deferrable: object = None
        self.notices: list[str] = []
        self.doubles_percent_signs = driver != "asyncpg"
        self._trusts_itself = driver in _TRUSTING_DRIVERS
        self._has_begun = False
        self._block: int | None = None

    def cursor(self, *_: object, **__: object) -> "Cursor":
        """Return a cursor; a name or a factory makes no difference here."""
        return Cursor(self)

    def execute(self, query: object, parameters: object = None) -> "Cursor":
        """Execute as psycopg's connections do."""
        return self.cursor().execute(query, parameters)

    def commit(self) -> None:
        """End the transaction."""
        self._block, self._has_begun = None, False

    def rollback(self) -> None:
        """End the transaction; what was noted stays."""
        self._block, self._has_begun = None, False

    def close(self) -> None:
        """Do as PEP 249 says: roll back."""
        self.rollback()

    def set_isolation_level(self, level: object) -> None:
        """Switch to or from autocommit, as psycopg2 and SQLAlchemy's asyncpg connection do."""
        self.autocommit = level in _AUTOCOMMIT_LEVELS
        self.isolation_level = None if self.autocommit else level

    def set_session(self, **settings: object) -> None:
        """Switch to or from autocommit, as psycopg2 does."""
        if "autocommit" in settings:
            self.autocommit = bool(settings["autocommit"])

    def add_notice_handler(self, callback: object) -> None:
        """Take a handler that is never called."""

    def play(self, statements: Sequence[str]) -> list[tuple[str, int | None]]:
        """Return the statements, sent in one string, each with the transaction it runs in.

        Several in one string run in a transaction of their own where there is none:
        https://www.postgresql.org/docs/current/protocol-flow.html, "Multiple Statements in a
        Simple Query".
        """
        self._begin_as_driver()
        implicit: int | None = None
        played: list[tuple[str, int | None]] = []
        for sql in statements:
            effect = transaction_effect(sql)
            if effect is TransactionEffect.OPENS and self._block is None:
                self._block, implicit = implicit or self.tape.new_transaction(), None
            elif self._block is None and implicit is None and len(statements) > 1:
                implicit = self.tape.new_transaction()
            current = implicit if self._block is None else self._block
            played.append((sql, current))
            if effect is TransactionEffect.CLOSES:
                self._block = implicit = None
            elif effect is TransactionEffect.CHAINS and self._block is not None:
                self._block = self.tape.new_transaction()
        return played

    def _begin_as_driver(self) -> None:
        if self.autocommit or (self._trusts_itself and self._has_begun):
            return
        self._has_begun = True
        if self._block is None:
            self._block = self.tape.new_transaction()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.commit()
        else:
            self.rollback()


class Cursor:
    """A cursor that notes what it is given.

    `columns`: the names of the columns that the caller knows the answer to have, set before
    `execute`. `prepared_rows`: rows it is to answer with whatever is asked, likewise.
    """

    arraysize = 1
    lastrowid = None
    statusmessage = ""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.description: list[Column] | None = None
        self.rowcount = -1
        self.columns: Sequence[str] = ()
        self.prepared_rows: list[Row] | None = None
        self._rows: list[Row] = []
        self._is_open_question = False
        self._span: Span | None = None

    def execute(self, operation: object, parameters: object = None, **_: object) -> Self:
        """Note a statement, or several in one string."""
        sql = number_placeholders(_to_text(operation), parameters)
        statements = split_sent(sql)
        self._span = self.connection.tape.note(self.connection.play(statements))
        self._answer(statements[0] if statements else "")
        return self

    def executemany(self, operation: object, parameters: Sequence[object], **_: object) -> Self:
        """Note a statement once, however many rows it is given."""
        return self.execute(operation, parameters[0] if parameters else None)

    def copy_expert(self, sql: object, *_: object, **__: object) -> None:
        """Note a COPY, as psycopg2 sends it."""
        self.execute(sql)

    def fetchone(self) -> Row | None:
        """Return the next row; there is one only for what every server answers alike."""
        self._look()
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Return the rows."""
        self._look()
        count = len(self._rows) if size is None else size
        rows, self._rows = self._rows[:count], self._rows[count:]
        return rows

    def fetchall(self) -> list[Row]:
        """Return the rows."""
        return self.fetchmany()

    def close(self) -> None:
        """Do nothing."""

    def nextset(self) -> None:
        """Say that there is no other answer."""

    def setinputsizes(self, *_: object) -> None:
        """Do nothing, as PEP 249 allows."""

    def setoutputsize(self, *_: object) -> None:
        """Do nothing, as PEP 249 allows."""

    def _answer(self, sql: str) -> None:
        self.description, self.rowcount, self._rows = None, -1, []
        self._is_open_question = False
        if self.prepared_rows is not None:
            self._rows, self.prepared_rows = self.prepared_rows, None
            self.rowcount = len(self._rows)
            self._describe()
        elif is_query(sql):
            known = _known_answer(sql, self.connection)
            self._rows = [] if known is None else [known]
            self.rowcount = len(self._rows)
            self._is_open_question = known is None
            self._describe()
        elif first_keyword(sql) in {"INSERT", "UPDATE", "DELETE", "MERGE"}:
            self.rowcount = int(self.connection.tape.is_first_change(sql))
        self.columns = ()

    def _describe(self) -> None:
        names = self.columns or ("?column?",)
        self.description = [(name, None, None, None, None, None, None) for name in names]

    def _look(self) -> None:
        if self._is_open_question:
            self.connection.tape.look(self._span)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.fetchall())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _to_text(operation: object) -> str:
    if isinstance(operation, str):
        return operation
    if isinstance(operation, bytes):
        return operation.decode()
    compose = getattr(operation, "as_string", None)
    # psycopg.sql's objects are made into text by a connection, or by none
    return str(compose(None)) if callable(compose) else str(operation)


def split_sent(sql: str) -> list[str]:
    """Return the statements of a string that is sent at once, each without its semicolon."""
    text = sql.strip()
    if not text:
        return []
    head, semicolon, tail = text.partition(";")
    if not semicolon:
        return [text]
    if not tail.strip():
        return [head.rstrip()]
    return [statement.sql for statement in split_statements(text)] or [text]


# Questions with one answer on every server of a version, whatever is in it.
_KNOWN = (
    (re.compile(r"SELECT\s+(?:pg_catalog\s*\.\s*)?version\s*\(\s*\)", re.IGNORECASE), "version"),
    (re.compile(r"\bserver_version_num\b", re.IGNORECASE), "number"),
    (re.compile(r"SHOW\s+server_version\b", re.IGNORECASE), "short"),
    (re.compile(r"SHOW\s+standard_conforming_strings\b", re.IGNORECASE), "on"),
    (
        re.compile(
            r"SHOW\s+(?:transaction isolation level|transaction_isolation)\b", re.IGNORECASE
        ),
        "read committed",
    ),
    (re.compile(r"SELECT\s+current_schema\s*(?:\(\s*\))?\s*$", re.IGNORECASE), "public"),
)
_TRY_LOCK = re.compile(r"SELECT\s+pg_try_advisory_(?:xact_)?lock(?:_shared)?\b", re.IGNORECASE)
_ONE = re.compile(r"SELECT\s+1\s*$", re.IGNORECASE)


def _known_answer(sql: str, connection: Connection) -> Row | None:
    text, major = sql.strip(), connection.tape.version.major
    if _TRY_LOCK.match(text):
        return (True,)
    if _ONE.match(text):
        return (1,)
    for pattern, answer in _KNOWN:
        if pattern.search(text) if answer == "number" else pattern.match(text):
            return (
                {
                    "version": f"PostgreSQL {major}.0",
                    "number": f"{major}0000",
                    "short": f"{major}.0",
                }.get(answer, answer),
            )
    return None
