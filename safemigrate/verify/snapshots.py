"""The schema of a database as a value: every object with its definition."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import sql

from safemigrate.errors import DatabaseError
from safemigrate.trace import Connection, describe_fault

__all__ = ["Snapshot", "VersionTable", "take_snapshot"]

_COLUMN_ORDER = "column order"


@dataclass(frozen=True, slots=True)
class VersionTable:
    """Alembic's version table; `schema` is None for the first one of the search path."""

    name: str = "alembic_version"
    schema: str | None = None

    def identifier(self) -> sql.Identifier:
        """Return its name for a statement."""
        return sql.Identifier(*([] if self.schema is None else [self.schema]), self.name)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The objects of a database, but for Alembic's version table and the schema `safemigrate`.

    `objects`: definitions by kind and identity; a definition is a list of `name=value`, separated
    by the character 31. `column_orders`: the columns of each table, in order.
    """

    objects: Mapping[tuple[str, str], str]
    column_orders: Mapping[str, str]


def take_snapshot(connection: Connection, version_table: VersionTable) -> Snapshot:
    """Return the schema as it is committed now.

    `connection` is in autocommit mode and outside a transaction. Compare snapshots of one server
    only: majors store the same schema differently. Raises DatabaseError when it cannot be read.
    """
    with _transaction(connection):
        name = version_table.identifier().as_string(connection)
        connection.execute(
            "SELECT set_config('safemigrate.version_table',"
            " coalesce(to_regclass(%s)::oid, 0)::text, true),"
            " set_config('search_path', '', true), set_config('jit', 'off', true)",
            (name,),
        )
        rows = connection.execute(_query()).fetchall()
    return Snapshot(
        {(kind, name): definition for kind, name, definition in rows if kind != _COLUMN_ORDER},
        {name: definition for kind, name, definition in rows if kind == _COLUMN_ORDER},
    )


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    """Begin a transaction that sees one state, and end it whatever happens."""
    try:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield
        connection.execute("ROLLBACK")
    except psycopg.Error as err:
        raise DatabaseError(
            f"the schema cannot be read: {describe_fault(err)}",
            "look into the server's log",
        ) from err


@cache
def _query() -> bytes:
    return (files("safemigrate.verify") / "snapshot.sql").read_bytes()
