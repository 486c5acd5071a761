"""Make a key of an index that was built while reads and writes went on."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from safemigrate.catalog import choose_constraint_name
from safemigrate.facts import is_known_not_null
from safemigrate.model import (
    Catalog,
    ConstraintDefinition,
    ConstraintKind,
    CreateIndex,
    IndexColumn,
    QualifiedName,
    RelationKind,
    Table,
)
from safemigrate.recipes.concurrent_index import concurrent_index_step
from safemigrate.recipes.not_null import not_null_steps
from safemigrate.recipes.rendering import constraint_sql, deferral
from safemigrate.recipes.steps import Step, as_written, sql_step
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["key_steps"]


def key_steps(
    table: QualifiedName,
    constraint: ConstraintDefinition,
    catalog: Catalog,
    *,
    is_new_column: bool = False,
) -> tuple[Step, ...]:
    """Return the steps to the named UNIQUE or PRIMARY KEY constraint.

    A partitioned table takes no USING INDEX: its partitions get their keys one by one, and the
    parent then takes them over. Empty where the catalog knows no partition of such a table.
    `is_new_column`: the key is of one new column, which earlier steps have made NOT NULL.
    """
    columns = constraint.columns or _columns_of_index(table, constraint, catalog)
    nullable = [] if is_new_column else _nullable_columns(table, constraint, columns, catalog)
    not_null = not_null_steps(table, nullable, catalog) if nullable else ()
    if constraint.index is not None:
        return (*not_null, _use_index(table, constraint, constraint.index))
    found = catalog.table(table)
    if found is None or found.kind is not RelationKind.PARTITIONED_TABLE:
        return (*not_null, *_build_and_use(table, constraint))
    parts = [
        step for child in _postorder(found, catalog) for step in _part(child, table, constraint)
    ]
    if not parts:
        return ()
    return (*not_null, *parts, _add_to_parent(table, constraint))


def _columns_of_index(
    table: QualifiedName, constraint: ConstraintDefinition, catalog: Catalog
) -> tuple[str, ...]:
    """Return the columns of the index named by USING INDEX, which is in the table's schema."""
    if constraint.index is None:
        return ()
    index = catalog.index(catalog.beside(table, constraint.index))
    return () if index is None else tuple(column for column in index.columns if column)


def _nullable_columns(
    table: QualifiedName,
    constraint: ConstraintDefinition,
    columns: Sequence[str],
    catalog: Catalog,
) -> list[str]:
    """Return the columns that a primary key would look through for NULL."""
    if constraint.kind is not ConstraintKind.PRIMARY_KEY:
        return []
    return [column for column in columns if not is_known_not_null(catalog, table, column)]


def _build_and_use(table: QualifiedName, constraint: ConstraintDefinition) -> Iterator[Step]:
    name = constraint.name or ""
    index = CreateIndex(
        name,
        table,
        tuple(IndexColumn(quote_identifier(column), column) for column in constraint.columns),
        is_unique=True,
        included=constraint.included,
        is_nulls_not_distinct=constraint.is_nulls_not_distinct,
    )
    yield concurrent_index_step(index, name)
    yield _use_index(table, constraint, name)


def _use_index(table: QualifiedName, constraint: ConstraintDefinition, index: str) -> Step:
    named = f"CONSTRAINT {quote_identifier(constraint.name or index)} "
    return sql_step(
        f"ALTER TABLE {quote_name(table)} ADD {named}{constraint.kind.value}"
        f" USING INDEX {quote_identifier(index)}{deferral(constraint)}",
        is_apart=True,
    )


def _postorder(table: Table, catalog: Catalog) -> Iterator[Table]:
    """Yield the partitions, those of a partition before it."""
    for child in catalog.partitions_of(table.name):
        if child.partition_of == table.name:
            yield from _postorder(child, catalog)
            yield child


def _part(
    partition: Table, parent: QualifiedName, constraint: ConstraintDefinition
) -> Iterator[Step]:
    """Yield the steps to a partition's own key, under the name PostgreSQL would give it."""
    name = choose_constraint_name(
        partition.name.name, replace(constraint, name=None), partition.constraints
    )
    table, part = as_written(partition.name, parent), replace(constraint, name=name)
    if partition.kind is RelationKind.PARTITIONED_TABLE:
        yield _add_to_parent(table, part)
    else:
        yield from _build_and_use(table, part)


def _add_to_parent(table: QualifiedName, constraint: ConstraintDefinition) -> Step:
    sql = constraint_sql(constraint, constraint.name or "")
    return sql_step(
        f"ALTER TABLE {quote_name(table)} ADD {sql}",
        is_apart=True,
        note="the parent takes its partitions' keys over unread",
    )
