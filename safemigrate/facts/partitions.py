"""Which parts of a partitioned table a constraint reaches. Manual: "Table Partitioning"."""

from collections.abc import Iterator

from safemigrate.model import (
    AddConstraint,
    Catalog,
    ConstraintKind,
    QualifiedName,
    RelationKind,
    Table,
)

__all__ = ["is_taken_over", "may_hide_partitions", "unprepared"]


def may_hide_partitions(catalog: Catalog, table: QualifiedName) -> bool:
    """Return whether the table is partitioned and the history shows no partition of it.

    Something else makes them then, so what happens to them cannot be told.
    """
    found = catalog.table(table)
    if found is None or found.kind is not RelationKind.PARTITIONED_TABLE:
        return False
    return not any(catalog.partitions_of(table))


def unprepared(action: AddConstraint, catalog: Catalog) -> Iterator[QualifiedName]:
    """Yield the table and those of its partitions that do not have the constraint already.

    A partition that has an equal one is attached as it is: `ATAddForeignKeyConstraint` and
    `DefineIndex` in src/backend/commands look for it.
    """
    yield catalog.resolve(action.table)
    for child in catalog.partitions_of(action.table):
        if not _has_equal(child, action, catalog):
            yield child.name


def is_taken_over(action: AddConstraint, catalog: Catalog) -> bool:
    """Return whether a partition has the constraint already."""
    return any(_has_equal(child, action, catalog) for child in catalog.partitions_of(action.table))


def _has_equal(partition: Table, action: AddConstraint, catalog: Catalog) -> bool:
    """Return whether the partition has a valid constraint of the same kind and columns."""
    new = action.constraint
    if partition.partition_of is None:
        return False
    for constraint in partition.constraints.values():
        if constraint.kind is not new.kind or constraint.columns != new.columns:
            continue
        if not constraint.is_valid or new.kind is ConstraintKind.EXCLUDE:
            continue
        if new.reference is None:
            return True
        if constraint.references == catalog.resolve(new.reference.table):
            return constraint.referenced_columns == new.reference.columns
    return False
