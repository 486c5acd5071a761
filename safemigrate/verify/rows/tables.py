"""What rows a table takes: its columns, types, checks, keys and references, from the catalog."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from safemigrate.model import QualifiedName
from safemigrate.model.names import DEFAULT_SCHEMA
from safemigrate.trace import Connection

__all__ = [
    "Check",
    "Column",
    "Key",
    "Leaf",
    "Reference",
    "Schema",
    "Table",
    "Type",
    "read_tables",
]


class Column(msgspec.Struct, frozen=True):
    """A column; `sql`: its type as SQL writes it. `sequence`: that of an identity column."""

    name: str
    type: int
    modifier: int
    sql: str
    is_nullable: bool
    is_identity: bool
    generation: str | None
    default: str | None
    sequence: str | None

    @property
    def counter(self) -> str | None:
        """The expression that counts it up; None for a column that is not counted."""
        if self.sequence is not None:
            return f"nextval({_literal(self.sequence)}::regclass)"
        if self.default is not None and "nextval(" in self.default:
            return self.default
        return None


class Check(msgspec.Struct, frozen=True):
    """A condition that rows meet; `columns`: those it reads."""

    name: str
    expression: str
    columns: tuple[str, ...] | None

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns it reads."""
        return self.columns or ()


class Key(msgspec.Struct, frozen=True):
    """A unique index or an exclusion; `columns`: those in it, also in its expressions.

    `is_plain`: unique in the columns themselves, for every row. `is_immediate`: not deferrable.
    """

    name: str
    is_immediate: bool
    is_plain: bool
    columns: tuple[str, ...] | None


class Reference(msgspec.Struct, frozen=True):
    """A foreign key: `columns` refer to `targets` of another table, or of the same one."""

    name: str
    is_deferrable: bool
    is_full: bool
    schema: str
    table: str
    columns: tuple[str, ...]
    targets: tuple[str, ...]

    @property
    def target(self) -> QualifiedName:
        """The table referred to."""
        return QualifiedName(self.schema, self.table)


class Leaf(msgspec.Struct, frozen=True):
    """A partition that has rows of its own; `condition`: what its rows meet."""

    schema: str
    name: str
    condition: str | None
    checks: tuple[Check, ...] | None

    @property
    def qualified(self) -> QualifiedName:
        """Its name."""
        return QualifiedName(self.schema, self.name)


class Table(msgspec.Struct, frozen=True):
    """A table, with its partitions if it is partitioned."""

    schema: str
    name: str
    is_partitioned: bool
    has_triggers: bool
    columns: tuple[Column, ...] | None
    checks: tuple[Check, ...] | None
    keys: tuple[Key, ...] | None
    references: tuple[Reference, ...] | None
    leaves: tuple[Leaf, ...] | None

    @property
    def qualified(self) -> QualifiedName:
        """Its name."""
        return QualifiedName(self.schema, self.name)

    @property
    def written(self) -> tuple[Column, ...]:
        """The columns that an INSERT may give values for."""
        return tuple(one for one in self.columns or () if one.generation is None)

    def may_leave_open(self, reference: Reference) -> bool:
        """Return whether a row need not refer to another one by that reference."""
        nullable = {one.name for one in self.columns or () if one.is_nullable}
        found = nullable.intersection(reference.columns)
        return len(found) == len(reference.columns) if reference.is_full else bool(found)


class Type(msgspec.Struct, frozen=True):
    """A type; `kind`, `category`: as pg_type has them. What it is not made of is 0 or None."""

    oid: int
    schema: str
    name: str
    kind: str
    category: str
    delimiter: str
    element: int
    base: int
    base_modifier: int
    is_nullable: bool
    subtype: int
    labels: tuple[str, ...] | None
    checks: tuple[str, ...] | None
    parts: tuple[tuple[int, int], ...] | None


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables by name and types by oid, as far as they matter for the rows of some tables."""

    tables: Mapping[QualifiedName, Table]
    types: Mapping[int, Type]

    def knows(self, one: Type) -> bool:
        """Return whether there is a type of the same name."""
        return any((one.schema, one.name) == (t.schema, t.name) for t in self.types.values())


def read_tables(connection: Connection, names: Iterable[QualifiedName]) -> Schema:
    """Return the tables, the roots of partitions, all they refer to, and the types of all that.

    A name without a schema is one of the schema public. What is no table is left out.
    """
    asked = sorted((name.schema or DEFAULT_SCHEMA, name.name) for name in names)
    schemas, tables = [schema for schema, _ in asked], [name for _, name in asked]
    rows = connection.execute(_query("tables.sql"), (schemas, tables)).fetchall()
    read = msgspec.convert([row[0] for row in rows], tuple[Table, ...])
    used = sorted({column.type for table in read for column in table.columns or ()})
    rows = connection.execute(_query("types.sql"), (used,)).fetchall()
    types = msgspec.convert([row[0] for row in rows], tuple[Type, ...])
    by_oid = {one.oid: one for one in types}
    return Schema({one.qualified: _with_domains(one, by_oid) for one in read}, by_oid)


def _with_domains(table: Table, types: Mapping[int, Type]) -> Table:
    """Return the table with no NULL in columns whose domain allows none."""
    columns = tuple(
        msgspec.structs.replace(one, is_nullable=one.is_nullable and _allows_null(types, one.type))
        for one in table.columns or ()
    )
    return msgspec.structs.replace(table, columns=columns)


def _allows_null(types: Mapping[int, Type], oid: int) -> bool:
    one = types[oid]
    return one.kind != "d" or (one.is_nullable and _allows_null(types, one.base))


@cache
def _query(name: str) -> bytes:
    return (files("safemigrate.verify.rows") / name).read_bytes()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
