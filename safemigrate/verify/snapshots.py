"""The schema of a database as a value: every object with its definition."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import psycopg
from psycopg import sql

from safemigrate.catalog import Ask
from safemigrate.errors import DatabaseError
from safemigrate.model import QualifiedName
from safemigrate.sql import quote_name
from safemigrate.trace import Connection, describe_fault
from safemigrate.verify.definitions import split_definition

__all__ = [
    "Snapshot",
    "VersionTable",
    "gather_objects",
    "name_version_table",
    "read_query",
    "read_snapshot",
    "take_snapshot",
]

_COLUMN_ORDER = "column order"
_ONLY_CHANGED = re.compile(r"/\*changed\n(.*?)\*/\n", re.DOTALL)


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

    def has_table(self, name: QualifiedName) -> bool:
        """Return whether there is a table of that name, partitioned or not."""
        return ("table", quote_name(name)) in self.objects

    @property
    def invalid_indexes(self) -> tuple[str, ...]:
        """The indexes that a build left behind, sorted."""
        return tuple(
            sorted(
                identity
                for (kind, identity), definition in self.objects.items()
                if kind == "index"
                # nearly none has it anywhere, and that is seen at once
                and "valid=no" in definition
                and "valid=no" in split_definition(definition)
            )
        )


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
    ask(name_version_table(version_table, is_local=True))
    ask("SELECT set_config('search_path', '', true), set_config('jit', 'off', true)")
    rows = ask(read_query(of_changes=False))
    return gather_objects({(str(row[0]), str(row[1])): str(row[2]) for row in rows})


def name_version_table(version_table: VersionTable, *, is_local: bool) -> str:
    """Return the statement that tells the session which table is Alembic's, and answers its oid.

    `is_local`: for the transaction only.
    """
    name = version_table.identifier().as_string()
    statement = sql.SQL(
        "SELECT set_config('safemigrate.version_table',"
        " coalesce(to_regclass({})::oid, 0)::text, {})"
    )
    return statement.format(name, sql.Literal(is_local)).as_string()


def gather_objects(found: Mapping[tuple[str, str], str]) -> Snapshot:
    """Return the snapshot of what was read, by kind and identity."""
    objects = dict(found)
    tables = [key for key in objects if key[0] == _COLUMN_ORDER]
    return Snapshot(objects, {key[1]: objects.pop(key) for key in tables})


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
def read_query(*, of_changes: bool) -> str:
    """Return the query of `snapshot.sql`: for every object, or for those of an array of sources."""
    text = (files("safemigrate.verify") / "snapshot.sql").read_text(encoding="utf-8")
    if not of_changes:
        return _ONLY_CHANGED.sub("", text)
    return _ONLY_CHANGED.sub(r"\1", text.partition("-- rest\n")[0])
