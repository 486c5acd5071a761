"""The schema as a value: what exists at one point of a history."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

from safemigrate.model.definitions import ConstraintKind, Generated, IndexColumn, Persistence
from safemigrate.model.functions import Function
from safemigrate.model.holdings import Indexes, Tables
from safemigrate.model.names import (
    DEFAULT_SCHEMA,
    TEMPORARY_SCHEMA,
    ColumnName,
    QualifiedName,
)
from safemigrate.model.system_relations import SYSTEM_RELATIONS, SYSTEM_SCHEMA
from safemigrate.model.types import ColumnType, Expression, FunctionCall

__all__ = ["Catalog", "Column", "Constraint", "Domain", "Index", "RelationKind", "Table"]


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
    predicate refer to. `attached_to`: the index of the parent table that it is a part of.
    `is_plain`: no key says more than its column: no collation, operator class or order.
    """

    name: QualifiedName
    table: QualifiedName
    columns: tuple[str | None, ...]
    is_unique: bool = False
    method: str = "btree"
    predicate: Expression | None = None
    constraint: str | None = None
    uses: tuple[str, ...] = ()
    attached_to: QualifiedName | None = None
    is_plain: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A relation that carries rows.

    `identity` stays the same when the table is renamed or altered, and is never reused.
    `partition_key`: what rows find their partition by.
    `has_all_columns` is False when columns may exist that the history does not show.
    `is_empty` is True only for a table created in the history so far that nothing put rows in.
    `is_older`: the history changes it and does not create it, so it was there before.
    `row_count`, `size_bytes`: how much a snapshot of a server shows it to hold, the rows by the
    server's estimate; None where that is not known, or no longer holds.
    `policies`: the names of its policies. `has_row_security`: those policies are in force.
    `uses`: the columns that the query of a view reads, `*` for all of a table that the history does
    not show whole. `definition`: the statement that made the view, empty where that is not known.
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
    row_count: int | None = None
    size_bytes: int | None = None
    policies: frozenset[str] = frozenset()
    has_row_security: bool = False
    uses: frozenset[ColumnName] = frozenset()
    definition: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain: its base type, and whether it has a CHECK or is NOT NULL.

    `not_valid`: the names of its constraints that are not validated.
    """

    type: ColumnType
    is_constrained: bool = False
    not_valid: frozenset[str] = frozenset()


@cache
def _read_search_path(setting: str) -> tuple[str, ...]:
    names = [part.strip().strip('"') for part in setting.split(",")]
    found = tuple(name for name in names if name and name != "$user")
    return found or (DEFAULT_SCHEMA,)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything the history has built so far. A value: `replay` returns a new one.

    `is_complete`: the history starts from an empty database, so what is not here does not exist.
    `domains`: what each is over, and whether it restricts that.
    `functions`: the user's own, those of one name together.
    `statistics`: the table that each of CREATE STATISTICS is about.
    `sequences`: those made by CREATE SEQUENCE.
    `settings`: what SET without LOCAL left in force, lower-case names.
    `session`: those of them that every session begins with, which env.py sets, or who calls; None
    before anything ran.
    `new_enums`, `new_labels`: what the transaction that runs has made so far: enums, and for each
    enum the labels added to it.
    """

    tables: Tables = field(default_factory=Tables)
    indexes: Indexes = field(default_factory=Indexes)
    enums: Mapping[QualifiedName, tuple[str, ...]] = field(default_factory=dict)
    domains: Mapping[QualifiedName, Domain] = field(default_factory=dict)
    functions: Mapping[QualifiedName, tuple[Function, ...]] = field(default_factory=dict)
    statistics: Mapping[QualifiedName, QualifiedName] = field(default_factory=dict)
    sequences: frozenset[QualifiedName] = frozenset()
    settings: Mapping[str, str] = field(default_factory=dict)
    schemas: frozenset[str] = frozenset({DEFAULT_SCHEMA})
    new_enums: frozenset[QualifiedName] = frozenset()
    new_labels: Mapping[QualifiedName, tuple[str, ...]] = field(default_factory=dict)
    is_complete: bool = False
    next_identity: int = 1
    session: Mapping[str, str] | None = None

    def with_table(self, table: Table) -> "Catalog":
        """Return the catalog with the table in place of the one of its name, if any."""
        return self._holding(self.tables.put_table(table), self.indexes)

    def with_index(self, index: Index) -> "Catalog":
        """Return the catalog with the index in place of the one of its name, if any."""
        return self._holding(self.tables, self.indexes.put_index(index))

    def without_indexes(self, names: Collection[QualifiedName]) -> "Catalog":
        """Return the catalog without the indexes of those names, as far as they are there."""
        if not any(name in self.indexes for name in names):
            return self
        return self._holding(self.tables, self.indexes.drop_indexes(names))

    def _holding(self, tables: Tables, indexes: Indexes) -> "Catalog":
        # As `replace` does, which takes several times as long.
        return Catalog(
            tables,
            indexes,
            self.enums,
            self.domains,
            self.functions,
            self.statistics,
            self.sequences,
            self.settings,
            self.schemas,
            self.new_enums,
            self.new_labels,
            self.is_complete,
            self.next_identity,
            self.session,
        )

    def resolve(self, name: QualifiedName) -> QualifiedName:
        """Return `name` with the schema PostgreSQL finds it in.

        That is the first of the search path that has such an object, temporary ones before all, and
        pg_catalog next, unless the path says where (manual: "Schemas", 5.10.3, the schema search
        path; 5.10.5, the system catalog schema); where none has, the one it would be made in.
        """
        if name.schema is not None:
            return name
        if self.tables.may_hold_temporary or self.indexes.may_hold_temporary:
            temporary = QualifiedName(TEMPORARY_SCHEMA, name.name)
            if temporary in self.tables or temporary in self.indexes:
                return temporary
        is_system = name.name in SYSTEM_RELATIONS
        if is_system and SYSTEM_SCHEMA not in self.search_path:
            return QualifiedName(SYSTEM_SCHEMA, name.name)
        for schema in self.search_path:
            candidate = QualifiedName(schema, name.name)
            if self._has(candidate) or (is_system and schema == SYSTEM_SCHEMA):
                return candidate
        return self.resolve_new(name)

    def resolve_new(self, name: QualifiedName) -> QualifiedName:
        """Return `name` with the schema PostgreSQL makes a new object in."""
        return name if name.schema is not None else QualifiedName(self.search_path[0], name.name)

    @property
    def search_path(self) -> tuple[str, ...]:
        """The schemas that names without one are looked for in; never empty."""
        return _read_search_path(self.settings.get("search_path", ""))

    def _has(self, name: QualifiedName) -> bool:
        # Asked of every name in every statement, so the likeliest place comes first.
        return (
            name in self.tables
            or name in self.indexes
            or name in self.enums
            or name in self.domains
            or name in self.functions
            or name in self.statistics
            or name in self.sequences
        )

    def base_type(self, column_type: ColumnType) -> tuple[ColumnType, bool]:
        """Return what the type is over, through domains, and whether one of them restricts it."""
        is_constrained = False
        domain = self._domain(column_type)
        while domain is not None and not column_type.dimensions:
            column_type = domain.type
            is_constrained = is_constrained or domain.is_constrained
            domain = self._domain(column_type)
        return column_type, is_constrained

    def types_under(self, column_type: ColumnType) -> tuple[QualifiedName, ...]:
        """Return the type's own resolved name, and those of the domains and type it is over."""
        names = [self.resolve(QualifiedName(column_type.schema, column_type.name))]
        while (domain := self._domain(column_type)) is not None:
            column_type = domain.type
            names.append(self.resolve(QualifiedName(column_type.schema, column_type.name)))
        return tuple(names)

    def _domain(self, column_type: ColumnType) -> Domain | None:
        if not self.domains:
            return None
        return self.domains.get(self.resolve(QualifiedName(column_type.schema, column_type.name)))

    def knows(self, table: Table) -> bool:
        """Return whether the table, of a later catalog of the history, was made by this point."""
        # Identities are given in order, and never again.
        return table.is_older or table.identity < self.next_identity

    def beside(self, table: QualifiedName, name: str) -> QualifiedName:
        """Return the name as one of the table's schema, where its indexes stand."""
        return QualifiedName(self.resolve(table).schema, name)

    def table(self, name: QualifiedName) -> Table | None:
        """Return the relation of that name, or None when the history does not show it."""
        return self.tables.get(self.resolve(name))

    def by_identity(self, identity: int) -> Table | None:
        """Return the table of that identity, whatever it is called here, or None when gone."""
        name = self.tables.by_identity.get(identity)
        return None if name is None else self.tables[name]

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
        return (self.indexes[name] for name in self.indexes.by_table.get(wanted, ()))

    def primary_key(self, table: QualifiedName) -> tuple[str, ...]:
        """Return the columns of the table's primary key; none where it is not known."""
        found = self.table(table)
        for constraint in () if found is None else found.constraints.values():
            if constraint.kind is ConstraintKind.PRIMARY_KEY:
                return constraint.columns
        return ()

    def functions_of(self, call: FunctionCall) -> tuple[Function, ...]:
        """Return those of the user's own functions that the call may be of."""
        found = self.functions.get(self.resolve(QualifiedName(call.schema, call.name)), ())
        return tuple(one for one in found if one.takes(call.argument_count))

    def foreign_keys_to(self, table: QualifiedName) -> Iterator[tuple[Table, Constraint]]:
        """Yield the foreign keys of other tables, and its own, that reference the table."""
        wanted = self.resolve(table)
        for other in self._mentioning(wanted):
            for constraint in other.constraints.values():
                if constraint.references == wanted:
                    yield other, constraint

    def readers_of(self, relation: QualifiedName) -> Iterator["Table"]:
        """Yield the views that read the relation, and those that read them, each once."""
        return self._reached(relation, lambda view, read: read in view.reads)

    def views_of_column(self, table: QualifiedName, column: str) -> Iterator[Table]:
        """Yield the views whose own query reads the column, as far as the history shows it."""
        wanted = self.resolve(table)
        for view in self._mentioning(wanted):
            if not view.uses.isdisjoint({ColumnName(wanted, column), ColumnName(wanted, "*")}):
                yield view

    def partitions_of(self, table: QualifiedName) -> Iterator[Table]:
        """Yield the partitions and inheritance children of the table, all levels, each once."""
        return self._reached(
            table, lambda child, parent: child.partition_of == parent or parent in child.inherits
        )

    def line_of(self, table: QualifiedName) -> Iterator[Table]:
        """Yield the table, and what it is a partition of or inherits from, each once."""
        waiting = [self.resolve(table)]
        seen = set(waiting)
        while waiting:
            found = self.tables.get(waiting.pop())
            if found is None:
                continue
            yield found
            parents = {*found.inherits, found.partition_of} - {None} - seen
            waiting += [name for name in parents if name is not None]
            seen.update(waiting)

    def _reached(
        self, relation: QualifiedName, depends: Callable[[Table, QualifiedName], bool]
    ) -> Iterator[Table]:
        """Yield what depends on the relation, and what depends on that, each once.

        SQL that no server takes can lead in a circle.
        """
        start = self.resolve(relation)
        seen = {start}
        waiting = [start]
        while waiting:
            name = waiting.pop()
            if name != start:
                yield self.tables[name]
            found = [one.name for one in self._mentioning(name) if depends(one, name)]
            waiting += [one for one in reversed(found) if one not in seen]
            seen.update(found)

    def _mentioning(self, relation: QualifiedName) -> Iterator[Table]:
        """Yield the tables that refer to the relation of that resolved name."""
        names = self.tables.mentions.get(relation, ())
        return (self.tables[name] for name in names)
