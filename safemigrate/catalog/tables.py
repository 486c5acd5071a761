"""How CREATE TABLE and the subcommands of ALTER TABLE change one table."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from safemigrate.catalog.naming import choose_constraint_name
from safemigrate.model import (
    Catalog,
    Column,
    ColumnDefinition,
    Constraint,
    ConstraintDefinition,
    ConstraintKind,
    CreateTable,
    Expression,
    FunctionCall,
    Index,
    QualifiedName,
    RelationKind,
    Table,
)

__all__ = [
    "add_column",
    "add_constraint",
    "change_column",
    "create_table",
    "drop_column",
    "rename_column",
    "set_not_null",
    "without",
]

_KEYS = frozenset({ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE, ConstraintKind.EXCLUDE})
_NOT_NULL_KINDS = frozenset({ConstraintKind.PRIMARY_KEY, ConstraintKind.NOT_NULL})

Key = TypeVar("Key")
Value = TypeVar("Value")


def without(mapping: Mapping[Key, Value], keys: Iterable[Key]) -> dict[Key, Value]:
    """Return a copy of `mapping` that lacks the keys."""
    gone = set(keys)
    return {key: value for key, value in mapping.items() if key not in gone}


def create_table(catalog: Catalog, action: CreateTable) -> Catalog:
    """Return the catalog with the new table, its columns, constraints and their indexes."""
    name = catalog.resolve_new(action.table)
    if action.takes_existing and name in catalog.tables:
        return catalog
    columns: dict[str, Column] = {}
    for parent in (*action.like, *action.inherits, *_parents(action)):
        source = catalog.table(parent)
        if source is not None:
            columns.update(source.columns)
    table = Table(
        name=name,
        identity=catalog.next_identity,
        kind=RelationKind.PARTITIONED_TABLE if action.is_partitioned else RelationKind.TABLE,
        columns=columns,
        persistence=action.persistence,
        partition_of=None if action.partition_of is None else catalog.resolve(action.partition_of),
        partition_key=action.partition_key,
        is_default_partition=action.is_default_partition,
        inherits=tuple(catalog.resolve(parent) for parent in action.inherits),
        has_all_columns=not action.has_query
        and all(catalog.table(parent) for parent in (*action.like, *_parents(action))),
        is_empty=not action.has_query,
    )
    catalog = replace(catalog, next_identity=catalog.next_identity + 1).with_table(table)
    draft = _Draft(table)
    for column in action.columns:
        draft.add_column(catalog, column)
    for constraint in action.constraints:
        # There are no rows yet that could be in doubt, so NOT VALID has no effect here.
        is_doubtful = constraint.is_not_valid
        valid = replace(constraint, is_not_valid=False) if is_doubtful else constraint
        draft.add_constraint(catalog, valid)
    return draft.put(catalog)


def _parents(action: CreateTable) -> tuple[QualifiedName, ...]:
    return () if action.partition_of is None else (action.partition_of,)


def _show(catalog: Catalog, name: QualifiedName) -> Catalog:
    """Return the catalog with the table in it, if only as one whose columns are not all known.

    A history may change tables that it does not show the making of: it begins in the middle, or
    a function makes them. What it adds to them counts from then on.
    """
    if catalog.table(name) is not None:
        return catalog
    table = Table(
        name=catalog.resolve(name),
        identity=catalog.next_identity,
        has_all_columns=False,
        is_older=True,
    )
    return replace(catalog, next_identity=catalog.next_identity + 1).with_table(table)


def add_column(catalog: Catalog, name: QualifiedName, definition: ColumnDefinition) -> Catalog:
    """Return the catalog with the column added, its inline constraints included."""
    catalog = _show(catalog, name)
    table = catalog.table(name)
    if table is None:
        return catalog
    draft = _Draft(table)
    draft.add_column(catalog, definition)
    return draft.put(catalog)


def change_column(catalog: Catalog, name: QualifiedName, column: Column) -> Catalog:
    """Return the catalog with the column in place of the one of its name."""
    table = catalog.table(name)
    if table is None:
        return catalog
    return catalog.with_table(replace(table, columns={**table.columns, column.name: column}))


def drop_column(catalog: Catalog, name: QualifiedName, column: str) -> Catalog:
    """Return the catalog without the column, and the constraints and indexes it carried."""
    table = catalog.table(name)
    if table is None:
        return catalog
    gone = [item.name for item in table.constraints.values() if _uses(item, column)]
    indexes = {
        index.name
        for index in catalog.indexes_of(table.name)
        if column in index.uses or index.constraint in gone
    }
    table = replace(
        table,
        columns=without(table.columns, [column]),
        constraints=without(table.constraints, gone),
    )
    return catalog.with_table(table).without_indexes(indexes)


def _uses(constraint: Constraint, column: str) -> bool:
    if column in constraint.columns:
        return True
    return constraint.expression is not None and column in constraint.expression.columns


def rename_column(catalog: Catalog, name: QualifiedName, old: str, new: str) -> Catalog:
    """Return the catalog with the column renamed, in constraints and indexes too."""
    table = catalog.table(name)
    if table is None or old not in table.columns:
        return catalog
    columns = {
        new if key == old else key: replace(value, name=new) if key == old else value
        for key, value in table.columns.items()
    }
    constraints = {
        key: replace(
            item,
            columns=_renamed(item.columns, old, new),
            expression=_renamed_expression(item.expression, old, new),
        )
        for key, item in table.constraints.items()
    }
    catalog = catalog.with_table(replace(table, columns=columns, constraints=constraints))
    for index in [each for each in catalog.indexes_of(table.name) if old in each.uses]:
        renamed = replace(
            index,
            columns=tuple(new if column == old else column for column in index.columns),
            uses=_renamed(index.uses, old, new),
            predicate=_renamed_expression(index.predicate, old, new),
        )
        catalog = catalog.with_index(renamed)
    return catalog


def _renamed(columns: tuple[str, ...], old: str, new: str) -> tuple[str, ...]:
    return tuple(new if column == old else column for column in columns)


def _renamed_expression(expression: Expression | None, old: str, new: str) -> Expression | None:
    if expression is None or old not in expression.columns:
        return expression
    return replace(
        expression,
        columns=_renamed(expression.columns, old, new),
        not_null_columns=_renamed(expression.not_null_columns, old, new),
    )


def add_constraint(
    catalog: Catalog, name: QualifiedName, definition: ConstraintDefinition
) -> Catalog:
    """Return the catalog with the constraint, and the index that a key brings along."""
    catalog = _show(catalog, name)
    table = catalog.table(name)
    if table is None:
        return catalog
    draft = _Draft(table)
    draft.add_constraint(catalog, definition)
    return draft.put(catalog)


class _Draft:
    """A table while one statement gives it columns and constraints."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._columns = dict(table.columns)
        self._constraints = dict(table.constraints)
        self._indexes: list[Index] = []
        self._used: list[QualifiedName] = []

    def put(self, catalog: Catalog) -> Catalog:
        """Return the catalog with the table as it is now, and its indexes."""
        table = replace(self._table, columns=self._columns, constraints=self._constraints)
        catalog = catalog.with_table(table)
        if self._used:
            catalog = catalog.without_indexes(self._used)
        for index in self._indexes:
            catalog = catalog.with_index(index)
        return catalog

    def add_column(self, catalog: Catalog, definition: ColumnDefinition) -> None:
        """Add the column, its inline constraints included."""
        default = definition.default
        if definition.is_serial:
            default = Expression("nextval", functions=(FunctionCall(None, "nextval", 1),))
        self._columns[definition.name] = Column(
            name=definition.name,
            type=definition.type,
            is_not_null=definition.is_not_null,
            default=default,
            generated=definition.generated,
            is_identity=definition.is_identity,
            collation=definition.collation,
        )
        for constraint in definition.constraints:
            self.add_constraint(catalog, constraint)

    def add_constraint(self, catalog: Catalog, definition: ConstraintDefinition) -> None:
        """Add the constraint, and the index that a key brings along."""
        name, columns, used = self._table.name, definition.columns, None
        if definition.index is not None:
            used = catalog.index(QualifiedName(name.schema, definition.index))
            if used is not None:
                columns = tuple(column for column in used.columns if column is not None)
        reference = definition.reference
        constraint_name = self._name(definition)
        constraint = Constraint(
            name=constraint_name,
            kind=definition.kind,
            columns=columns,
            references=None if reference is None else catalog.resolve(reference.table),
            referenced_columns=() if reference is None else reference.columns,
            expression=definition.expression,
            is_valid=not definition.is_not_valid and definition.is_enforced,
            is_enforced=definition.is_enforced,
            index=constraint_name if definition.kind in _KEYS else None,
        )
        self._constraints[constraint_name] = constraint
        if definition.kind in _NOT_NULL_KINDS and constraint.is_valid:
            self._columns = _mark_not_null(self._columns, columns, self._table)
        if constraint.index is not None:
            self._used += [] if used is None else [used.name]
            self._indexes.append(
                Index(
                    name=QualifiedName(name.schema, constraint.index),
                    table=name,
                    columns=columns,
                    is_unique=definition.kind is not ConstraintKind.EXCLUDE,
                    constraint=constraint.name,
                    uses=(*columns, *definition.included),
                )
            )

    def _name(self, definition: ConstraintDefinition) -> str:
        # A key made from an index takes the index's name unless it says another (and renames it).
        given = definition.name or definition.index
        if given != definition.name:
            definition = replace(definition, name=given)
        return choose_constraint_name(self._table.name.name, definition, self._constraints)


def set_not_null(table: Table, columns: tuple[str, ...]) -> Table:
    """Return the table with the columns NOT NULL."""
    return replace(table, columns=_mark_not_null(table.columns, columns, table))


def _mark_not_null(
    known: Mapping[str, Column], columns: tuple[str, ...], table: Table
) -> dict[str, Column]:
    """Return the columns of the table, those named as NOT NULL."""
    changed = dict(known)
    for name in columns:
        column = known.get(name)
        if column is not None:
            changed[name] = column if column.is_not_null else replace(column, is_not_null=True)
        elif not table.has_all_columns:
            changed[name] = Column(name, None, is_not_null=True)
    return changed
