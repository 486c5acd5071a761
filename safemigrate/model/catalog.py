"""The schema as a value: what exists at one point of a history."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from safemigrate.model.definitions import ConstraintKind, Generated, IndexColumn, Persistence
from safemigrate.model.names import QualifiedName
from safemigrate.model.types import ColumnType, Expression

__all__ = ["Catalog", "Column", "Constraint", "Domain", "Index", "RelationKind", "Table"]

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
    """An index; `name.schema` is its table's.

    `columns`: the keys, None for an expression. `uses`: every column that keys, INCLUDE and
    predicate refer to.
    """

    name: QualifiedName
    table: QualifiedName
    columns: tuple[str | None, ...]
    is_unique: bool = False
    method: str = "btree"
    predicate: Expression | None = None
    constraint: str | None = None
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A relation that carries rows.

    `identity` stays the same when the table is renamed or altered, and is never reused.
    `partition_key`: what rows find their partition by.
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
    partition_key: tuple[IndexColumn, ...] = ()
    is_default_partition: bool = False
    inherits: tuple[QualifiedName, ...] = ()
    reads: tuple[QualifiedName, ...] = ()
    has_all_columns: bool = True
    is_empty: bool = False
    is_older: bool = False


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain: its base type, and whether it has a CHECK or is NOT NULL."""

    type: ColumnType
    is_constrained: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything the history has built so far. A value: `replay` returns a new one.

    `is_complete`: the history starts from an empty database, so what is not here does not exist.
    `domains`: what each is over, and whether it restricts that.
    `functions`: volatility (`i`, `s`, `v`) of the user's own functions.
    `settings`: what SET without LOCAL left in force, lower-case names.
    """

    tables: Mapping[QualifiedName, Table] = field(default_factory=dict)
    indexes: Mapping[QualifiedName, Index] = field(default_factory=dict)
    enums: Mapping[QualifiedName, tuple[str, ...]] = field(default_factory=dict)
    domains: Mapping[QualifiedName, Domain] = field(default_factory=dict)
    functions: Mapping[QualifiedName, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    schemas: frozenset[str] = frozenset({DEFAULT_SCHEMA})
    is_complete: bool = False
    next_identity: int = 1

    def resolve(self, name: QualifiedName) -> QualifiedName:
        """Return `name` with the schema PostgreSQL finds it in.

        That is the first of the search path that has such an object, temporary ones before all
        (manual: "Schemas", 5.10.3, the schema search path); where none has, the one it would be
        made in.
        """
        if name.schema is not None:
            return name
        for schema in (TEMPORARY_SCHEMA, *self.search_path):
            candidate = QualifiedName(schema, name.name)
            if self._has(candidate):
                return candidate
        return self.resolve_new(name)

    def resolve_new(self, name: QualifiedName) -> QualifiedName:
        """Return `name` with the schema PostgreSQL makes a new object in."""
        return name if name.schema is not None else QualifiedName(self.search_path[0], name.name)

    @property
    def search_path(self) -> tuple[str, ...]:
        """The schemas that names without one are looked for in; never empty."""
        setting = self.settings.get("search_path", "")
        names = [part.strip().strip('"') for part in setting.split(",")]
        found = tuple(name for name in names if name and name != "$user")
        return found or (DEFAULT_SCHEMA,)

    def _has(self, name: QualifiedName) -> bool:
        places = (self.tables, self.indexes, self.enums, self.domains, self.functions)
        return any(name in place for place in places)

    def base_type(self, column_type: ColumnType) -> tuple[ColumnType, bool]:
        """Return what the type is over, through domains, and whether one of them restricts it."""
        is_constrained = False
        domain = self._domain(column_type)
        while domain is not None and not column_type.dimensions:
            column_type = domain.type
            is_constrained = is_constrained or domain.is_constrained
            domain = self._domain(column_type)
        return column_type, is_constrained

    def _domain(self, column_type: ColumnType) -> Domain | None:
        if not self.domains:
            return None
        return self.domains.get(self.resolve(QualifiedName(column_type.schema, column_type.name)))

    def knows(self, table: Table) -> bool:
        """Return whether the table, of a later catalog of the history, was made by this point."""
        # Identities are given in order, and never again.
        return table.is_older or table.identity < self.next_identity

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

    def names_index(self, name: QualifiedName) -> bool:
        """Return whether an index bears the name, and so no table: they share their names."""
        return self.index(name) is not None and self.table(name) is None

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
