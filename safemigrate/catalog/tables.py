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
    for column in action.columns:
        catalog = add_column(catalog, name, column)
    for constraint in action.constraints:
        # There are no rows yet that could be in doubt, so NOT VALID has no effect here.
        catalog = add_constraint(catalog, name, replace(constraint, is_not_valid=False))
    return catalog


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
    default = definition.default
    if definition.is_serial:
        default = Expression("nextval", functions=(FunctionCall(None, "nextval", 1),))
    column = Column(
        name=definition.name,
        type=definition.type,
        is_not_null=definition.is_not_null,
        default=default,
        generated=definition.generated,
        is_identity=definition.is_identity,
        collation=definition.collation,
    )
    table = replace(table, columns={**table.columns, column.name: column})
    catalog = catalog.with_table(table)
    for constraint in definition.constraints:
        catalog = add_constraint(catalog, table.name, constraint)
    return catalog


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
    columns = definition.columns
    used = None
    if definition.index is not None:
        used = catalog.index(QualifiedName(table.name.schema, definition.index))
        if used is not None:
            columns = tuple(column for column in used.columns if column is not None)
    # A key made from an index takes the index's name unless it says another (and renames it).
    given = definition.name or definition.index
    constraint_name = choose_constraint_name(
        table.name.name, replace(definition, name=given), table.constraints
    )
    reference = definition.reference
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
    table = replace(table, constraints={**table.constraints, constraint.name: constraint})
    if definition.kind in _NOT_NULL_KINDS and constraint.is_valid:
        table = set_not_null(table, columns)
    catalog = catalog.with_table(table)
    if constraint.index is None:
        return catalog
    index = Index(
        name=QualifiedName(table.name.schema, constraint.index),
        table=table.name,
        columns=columns,
        is_unique=definition.kind is not ConstraintKind.EXCLUDE,
        constraint=constraint.name,
        uses=(*columns, *definition.included),
    )
    if used is not None:
        catalog = catalog.without_indexes([used.name])
    return catalog.with_index(index)


def set_not_null(table: Table, columns: tuple[str, ...]) -> Table:
    """Return the table with the columns NOT NULL."""
    changed = {
        name: replace(column, is_not_null=True) if name in columns else column
        for name, column in table.columns.items()
    }
    if not table.has_all_columns:
        missing = [name for name in columns if name not in table.columns]
        changed |= {name: Column(name, None, is_not_null=True) for name in missing}
    return replace(table, columns=changed)
