"""A driver in the sense of PEP 249 that reaches no database: it notes what it is given.

It answers what every server answers alike (its version, its settings) and gives no rows for
anything else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from safemigrate.source import dbapi_errors
from safemigrate.source.cursor import Cursor, split_sent
from safemigrate.source.dbapi_errors import OperationalError
from safemigrate.source.startup import list_startup_settings
from safemigrate.source.statement_text import TransactionEffect, transaction_effect
from safemigrate.source.tape import Tape

__all__ = ["Connection", "RecordingDBAPI", "split_sent"]

# Drivers that believe a transaction they began goes on until they end it themselves. After a
# COMMIT sent as text the others ask the server's status and begin anew before the next statement;
# these do not, and what follows runs outside a transaction.
_TRUSTING_DRIVERS = frozenset({"asyncpg", "psycopg2", "psycopg2cffi"})

# set_isolation_level() of psycopg2 and of SQLAlchemy's asyncpg connection
_AUTOCOMMIT_LEVELS = (0, "autocommit")


class RecordingDBAPI:
    """The driver's module, as SQLAlchemy wants it; `tape` is where its connections note.

    Outside a recording `tape` is None and nothing can connect.
    """

    apilevel = "2.0"
    threadsafety = 0
    paramstyle = "numeric_dollar"
    __name__ = "safemigrate.source.dbapi"
    __version__ = "1.0.0"

    Warning = dbapi_errors.Warning
    Error = dbapi_errors.Error
    InterfaceError = dbapi_errors.InterfaceError
    DatabaseError = dbapi_errors.DatabaseError
    DataError = dbapi_errors.DataError
    OperationalError = dbapi_errors.OperationalError
    IntegrityError = dbapi_errors.IntegrityError
    InternalError = dbapi_errors.InternalError
    ProgrammingError = dbapi_errors.ProgrammingError
    NotSupportedError = dbapi_errors.NotSupportedError
    Binary = bytes

    def __init__(self) -> None:
        self.tape: Tape | None = None

    def connect(self, *_: object, driver: str = "", **arguments: object) -> "Connection":
        """Return a connection that notes; `driver`: the one whose manners it has.

        Settings among the arguments hold from its start, and so are noted as the first statements.
        """
        tape = self.running_tape()
        settings: list[tuple[str, int | None]] = [
            (sql, None) for sql in list_startup_settings(arguments)
        ]
        if settings:
            tape.note(settings)
        return Connection(tape, driver)

    def running_tape(self) -> Tape:
        """Return the tape; raises OperationalError when nothing is recorded any more."""
        if self.tape is None:
            raise OperationalError("this engine was made for reading migrations, which is over")
        return self.tape


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What the drivers tell of a connection."""

    server_version: int
    encoding: str = "utf-8"
    dbname: str = "postgres"
    user: str = "postgres"
    host: str = ""
    port: int = 5432


class Connection:
    """A connection that notes what it is given, and knows its transaction as PostgreSQL would.

    `doubles_percent_signs`: the driver whose manners it has wants `%%` for a percent sign.
    """

    Error = dbapi_errors.Error
    closed = False
    encoding = "UTF8"

    def __init__(self, tape: Tape, driver: str) -> None:
        self.tape = tape
        self.autocommit = False
        self.isolation_level: object = None
        self.read_only: object = None
        self.readonly: object = None
        self.deferrable: object = None
        self.notices: list[str] = []
        self.doubles_percent_signs = driver != "asyncpg"
        self.server_version = tape.version.major * 10_000
        self.info = ConnectionInfo(self.server_version)
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
