"""Which parts of a partitioned table a constraint reaches. Manual: "Table Partitioning"."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.facts.columns import is_known_not_null
from safemigrate.facts.situation import Situation
from safemigrate.model import (
    AddConstraint,
    Catalog,
    Certainty,
    ConstraintKind,
    Facts,
    PartitionBound,
    QualifiedName,
    RelationKind,
    Table,
)

__all__ = [
    "is_taken_over",
    "may_hide_partitions",
    "reads_for_bound",
    "reads_of_default",
    "unprepared",
]


def reads_for_bound(
    partition: QualifiedName,
    parent: QualifiedName,
    bound: PartitionBound | None,
    situation: Situation,
) -> Facts:
    """Return the facts of shutting a table, and looking whether its rows fit the bound.

    Nothing is read where a valid CHECK, with NOT NULL, proves it (manual: "ALTER TABLE", ATTACH
    PARTITION). A CHECK over the key that names all values of the bound is taken for the proof,
    and with another one the reading is not certain.
    """
    catalog = situation.catalog
    key = _key(catalog, parent)
    is_not_null = all(is_known_not_null(catalog, partition, column) for column in key)
    return _read_unless_proven(partition, key, bound if is_not_null else None, situation)


def reads_of_default(
    parent: QualifiedName, bound: PartitionBound | None, situation: Situation
) -> Facts:
    """Return the facts of looking in the default partition, if any, for rows of a new one.

    Nothing is read where a valid CHECK excludes the bound.
    """
    for child in situation.catalog.partitions_of(parent):
        if child.is_default_partition:
            key = _key(situation.catalog, parent)
            return _read_unless_proven(child.name, key, bound, situation)
    return Facts()


def _key(catalog: Catalog, parent: QualifiedName) -> tuple[str, ...]:
    table = catalog.table(parent)
    parts = () if table is None else table.partition_key
    return tuple(name for part in parts for name in part.uses)


def _read_unless_proven(
    name: QualifiedName, key: tuple[str, ...], bound: PartitionBound | None, situation: Situation
) -> Facts:
    table = situation.catalog.table(name)
    checks = [
        constraint.expression
        for constraint in (() if table is None else table.constraints.values())
        if constraint.kind is ConstraintKind.CHECK
        and constraint.is_valid
        and constraint.is_enforced
        and constraint.expression is not None
        and set(key) <= set(constraint.expression.columns)
    ]
    limits = () if bound is None else (*bound.lower, *bound.upper, *bound.values)
    values = [value for value in limits if value is not None]
    if values and any(all(value in check.sql for value in values) for check in checks):
        return situation.exclusive(name)
    facts = situation.exclusive(name, scans=True)
    return replace(facts, certainty=Certainty.UNKNOWN) if checks else facts


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
