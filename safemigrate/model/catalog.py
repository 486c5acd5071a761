"""The schema as a value: what exists at one point of a history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from safemigrate.model.actions import ConstraintKind, Generated, Persistence
from safemigrate.model.names import QualifiedName
from safemigrate.model.types import ColumnType, Expression

__all__ = ["Catalog", "Column", "Constraint", "Index", "RelationKind", "Table"]

DEFAULT_SCHEMA = "public"
TEMPORARY_SCHEMA = "pg_temp"


class RelationKind(Enum):
    """The kinds of relation that carry rows."""

    TABLE = "table"
    PARTITIONED_TABLE = "partitioned table"
    VIEW = "view"
    MATERIALIZED_VIEW = "materialized view"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` is None when it could not be known (CREATE TABLE AS, a stand-in)."""

    name: str
    type: ColumnType | None
    is_not_null: bool = False
    default: Expression | None = None
    generated: Generated | None = None
    is_identity: bool = False
    collation: str | None = None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint of a table.

    `index`: the bare name of the index that carries a key; it stands in the table's schema.
    `references`: the resolved far table of a foreign key.
    """

    name: str
    kind: ConstraintKind
    columns: tuple[str, ...] = ()
    references: QualifiedName | None = None
    referenced_columns: tuple[str, ...] = ()
    expression: Expression | None = None
    is_valid: bool = True
    is_enforced: bool = True
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Index:
    """An index; `name.schema` is its table's."""

    name: QualifiedName
    table: QualifiedName
    columns: tuple[str | None, ...]
    is_unique: bool = False
    method: str = "btree"
    predicate: Expression | None = None
    constraint: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A relation that carries rows.

    `identity` stays the same when the table is renamed or altered, and is never reused.
    `has_all_columns` is False when columns may exist that the history does not show.
    `is_empty` is True only for a table created in the history so far that nothing put rows in.
    `is_older`: the history changes it and does not create it, so it was there before.
    """

    name: QualifiedName
    identity: int
    kind: RelationKind = RelationKind.TABLE
    columns: Mapping[str, Column] = field(default_factory=dict)
    constraints: Mapping[str, Constraint] = field(default_factory=dict)
    persistence: Persistence = Persistence.PERMANENT
    partition_of: QualifiedName | None = None
    is_default_partition: bool = False
    inherits: tuple[QualifiedName, ...] = ()
    reads: tuple[QualifiedName, ...] = ()
    has_all_columns: bool = True
    is_empty: bool = False
    is_older: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything the history has built so far. A value: `replay` returns a new one.

    `is_complete`: the history starts from an empty database, so what is not here does not exist.
    `functions`: volatility (`i`, `s`, `v`) of the user's own functions.
    `settings`: what SET without LOCAL left in force, lower-case names.
    """

    tables: Mapping[QualifiedName, Table] = field(default_factory=dict)
    indexes: Mapping[QualifiedName, Index] = field(default_factory=dict)
    enums: Mapping[QualifiedName, tuple[str, ...]] = field(default_factory=dict)
    functions: Mapping[QualifiedName, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    schemas: frozenset[str] = frozenset({DEFAULT_SCHEMA})
    is_complete: bool = False
    next_identity: int = 1

    def resolve(self, name: QualifiedName) -> QualifiedName:
        """Return `name` with the schema PostgreSQL would find it in (search_path: public).

        Temporary tables come first (manual: "Schemas", 5.10.3, the schema search path).
        """
        if name.schema is not None:
            return name
        temporary = QualifiedName(TEMPORARY_SCHEMA, name.name)
        return temporary if temporary in self.tables else QualifiedName(DEFAULT_SCHEMA, name.name)

    def table(self, name: QualifiedName) -> Table | None:
        """Return the relation of that name, or None when the history does not show it."""
        return self.tables.get(self.resolve(name))

    def column(self, table: QualifiedName, column: str) -> Column | None:
        """Return the column, or None when the history does not show it."""
        found = self.table(table)
        return None if found is None else found.columns.get(column)

    def index(self, name: QualifiedName) -> Index | None:
        """Return the index of that name, or None when the history does not show it."""
        return self.indexes.get(self.resolve(name))

    def indexes_of(self, table: QualifiedName) -> Iterator[Index]:
        """Yield the indexes of the table, in the order they were made."""
        wanted = self.resolve(table)
        return (index for index in self.indexes.values() if index.table == wanted)

    def foreign_keys_to(self, table: QualifiedName) -> Iterator[tuple[Table, Constraint]]:
        """Yield the foreign keys of other tables, and its own, that reference the table."""
        wanted = self.resolve(table)
        for other in self.tables.values():
            for constraint in other.constraints.values():
                if constraint.references == wanted:
                    yield other, constraint

    def readers_of(self, relation: QualifiedName) -> Iterator["Table"]:
        """Yield the views that read the relation, and those that read them."""
        wanted = self.resolve(relation)
        for other in self.tables.values():
            if wanted in other.reads and other.name != wanted:
                yield other
                yield from self.readers_of(other.name)

    def partitions_of(self, table: QualifiedName) -> Iterator[Table]:
        """Yield the partitions and inheritance children of the table, all levels."""
        wanted = self.resolve(table)
        for other in self.tables.values():
            if other.partition_of == wanted or wanted in other.inherits:
                yield other
                yield from self.partitions_of(other.name)
