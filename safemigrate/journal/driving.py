"""Statements of our own on a session that SQLAlchemy must not hear of."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

__all__ = ["ask_at_once", "send_unseen", "translated"]

# Drivers that send a text without parameters by the simple protocol, several statements at once.
# https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
_TAKE_SEVERAL = frozenset({"psycopg", "psycopg2"})


def send_unseen(connection: Connection, statement: str, *values: str) -> Sequence[object] | None:
    """Send the statement by the driver's own cursor, and return its first row, if it has one.

    `values`: what `{}` in it stands for, in order; each is sent as a text. SQLAlchemy would begin a
    transaction, and tell its listeners.
    """
    # asyncpg alone takes the server's own way to number them
    is_numbered = connection.dialect.paramstyle == "numeric_dollar"
    marks = [f"${number}" if is_numbered else "%s" for number in range(1, len(values) + 1)]
    with closing(connection.connection.cursor()) as cursor:
        text = statement.format(*(f"CAST({mark} AS text)" for mark in marks))
        if values:
            cursor.execute(text, values)
        else:
            cursor.execute(text)
        row: Sequence[object] | None = cursor.fetchone() if cursor.description else None
        return row


def ask_at_once(connection: Connection, *statements: str) -> Sequence[Sequence[object]]:
    """Send statements in as few messages as the driver can, and return the rows of the last one."""
    dialect = connection.dialect
    is_one = dialect.driver in _TAKE_SEVERAL and not dialect.is_async
    # psycopg knows more of a cursor than every driver has
    cursor: Any
    with closing(connection.connection.cursor()) as cursor:
        if not is_one:
            for statement in statements:
                cursor.execute(statement)
        elif dialect.driver == "psycopg":
            # the server prepares one statement at a time
            cursor.execute("; ".join(statements), prepare=False)
            while cursor.nextset():
                pass
        else:
            cursor.execute("; ".join(statements))
        rows: Sequence[Sequence[object]] = cursor.fetchall()
        return rows


@contextmanager
def translated(connection: Connection, statement: str | None = None) -> Iterator[None]:
    """Raise the driver's errors in the block as those of SQLAlchemy, which does it elsewhere.

    `statement`: what an error will say that it came of.
    """
    dialect = connection.dialect
    errors = dialect.loaded_dbapi.Error
    driven = connection.connection.dbapi_connection
    try:
        yield
    except errors as error:
        is_lost = driven is not None and dialect.is_disconnect(error, driven, None)
        raise DBAPIError.instance(
            statement, None, error, errors, connection_invalidated=is_lost, dialect=dialect
        ) from error
