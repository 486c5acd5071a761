"""Sessions to look through: the one that runs the statements, and one of our own beside it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from safemigrate.errors import UnreachableError, UsageError

__all__ = ["Connection", "DriverSession", "TransactionState", "open_connection"]

Connection = psycopg.Connection[TupleRow]


class TransactionState(Enum):
    """Where a session stands."""

    IDLE = "outside a transaction"
    OPEN = "in a transaction"
    BROKEN = "in a transaction that an error has ended"


_STATES = {
    TransactionStatus.IDLE: TransactionState.IDLE,
    # the connection is lost, and its transaction with it
    TransactionStatus.UNKNOWN: TransactionState.IDLE,
    TransactionStatus.INERROR: TransactionState.BROKEN,
}


class DriverSession:
    """A session behind a DBAPI connection, asked without anybody above it noticing.

    Works with psycopg and psycopg2, and with the async drivers as SQLAlchemy adapts them.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def ask(self, query: str) -> Sequence[Sequence[Any]]:
        """Return the rows of a query without parameters, in the session's own transaction.

        A driver that is not in autocommit mode begins one if need be.
        """
        cursor = self._connection.cursor()
        try:
            cursor.execute(query)
            rows: Sequence[Sequence[Any]] = cursor.fetchall()
            return rows
        finally:
            cursor.close()

    def run(self, command: str) -> None:
        """Send a command that returns no rows."""
        cursor = self._connection.cursor()
        try:
            cursor.execute(command)
        finally:
            cursor.close()

    @property
    def is_autocommit(self) -> bool:
        """Whether the driver begins no transaction by itself."""
        return bool(getattr(self._connection, "autocommit", False))

    @property
    def state(self) -> TransactionState:
        """The state of the session, as far as its driver knows."""
        info = getattr(self._connection, "info", None)
        if info is not None:
            return _STATES.get(TransactionStatus(info.transaction_status), TransactionState.OPEN)
        driver = getattr(self._connection, "driver_connection", None)
        is_in_transaction = getattr(driver, "is_in_transaction", None)
        if is_in_transaction is not None:
            return TransactionState.OPEN if is_in_transaction() else TransactionState.IDLE
        return TransactionState.IDLE if self.is_autocommit else TransactionState.OPEN


@contextmanager
def open_connection(url: str, *, is_autocommit: bool = True) -> Iterator[Connection]:
    """Yield a psycopg connection to a SQLAlchemy URL, closed afterwards.

    Raises UnreachableError when nobody answers or the credentials are refused, UsageError for a
    URL that cannot be read.
    """
    try:
        target = make_url(url).set(drivername="postgresql+psycopg")
        arguments, options = target.get_dialect()().create_connect_args(target)
        connection = psycopg.connect(*arguments, autocommit=is_autocommit, **options)
    except (ArgumentError, ValueError, psycopg.ProgrammingError) as err:
        # The driver's message may repeat the URL, and so a password.
        raise UsageError(
            "the URL of the database cannot be read",
            "it looks like postgresql://user:password@host:5432/database",
        ) from err
    except psycopg.OperationalError as err:
        raise UnreachableError(
            "the database to be traced cannot be reached",
            "check that its server still runs and takes more connections",
        ) from err
    try:
        yield connection
    finally:
        connection.close()
