"""The schema of a database as a value: every object with its definition."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import sql

from safemigrate.catalog import Ask
from safemigrate.errors import DatabaseError
from safemigrate.trace import Connection, describe_fault

__all__ = ["Snapshot", "VersionTable", "read_snapshot", "take_snapshot"]

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
        return read_snapshot(
            lambda statement: connection.execute(statement.encode()).fetchall(), version_table
        )


def read_snapshot(ask: Ask, version_table: VersionTable) -> Snapshot:
    """Return the schema as `ask` tells it, in a transaction of its session that is left open.

    The transaction is READ ONLY and sees one state; see `take_snapshot`. Raises what `ask` raises.
    """
    name = version_table.identifier().as_string()
    settings = sql.SQL(
        "SELECT set_config('safemigrate.version_table',"
        " coalesce(to_regclass({})::oid, 0)::text, true),"
        " set_config('search_path', '', true), set_config('jit', 'off', true)"
    )
    ask(settings.format(name).as_string())
    objects: dict[tuple[str, str], str] = {}
    column_orders: dict[str, str] = {}
    for row in ask(_query()):
        kind, identity, definition = (str(one) for one in row)
        if kind == _COLUMN_ORDER:
            column_orders[identity] = definition
        else:
            objects[kind, identity] = definition
    return Snapshot(objects, column_orders)


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
def _query() -> str:
    return (files("safemigrate.verify") / "snapshot.sql").read_text(encoding="utf-8")
