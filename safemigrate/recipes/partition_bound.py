"""Prove by a CHECK what a new partition would be read for."""

from collections.abc import Iterator

from safemigrate.model import (
    AttachPartition,
    Catalog,
    ConstraintDefinition,
    ConstraintKind,
    CreateTable,
    Expression,
    PartitionBound,
    QualifiedName,
    Remedy,
)
from safemigrate.recipes.steps import Step, as_written, sql_step, write_steps
from safemigrate.recipes.validation import check_steps

__all__ = ["attach_proven_partition", "exclude_from_default"]

_ADVICE = (
    "add a CHECK with the bound NOT VALID, and validate it: then nothing is read for the bound"
)


def attach_proven_partition(action: AttachPartition, sql: str, catalog: Catalog) -> Remedy:
    """Return how to attach the table of ATTACH PARTITION, `sql`, without a look at its rows.

    Only advice where the bound is none that one column says.
    """
    condition = _condition(action.table, action.bound, catalog)
    if not condition:
        return Remedy(_ADVICE)
    steps = [
        *_check(action.partition, f"{action.partition.name}_bound", condition),
        *_default_steps(action.table, action.partition, condition, catalog),
        sql_step(sql, is_apart=True),
    ]
    return write_steps(_ADVICE, steps)


def exclude_from_default(action: CreateTable, sql: str, catalog: Catalog) -> Remedy:
    """Return how to make the partition of CREATE TABLE without a look at the default one."""
    parent = action.partition_of
    condition = "" if parent is None else _condition(parent, action.bound, catalog)
    if parent is None or not condition:
        return Remedy(_ADVICE)
    steps = [
        *_default_steps(parent, action.table, condition, catalog),
        sql_step(sql, is_apart=True),
    ]
    return write_steps(_ADVICE, steps)


def _default_steps(
    parent: QualifiedName, partition: QualifiedName, condition: str, catalog: Catalog
) -> Iterator[Step]:
    for child in catalog.partitions_of(parent):
        if child.is_default_partition:
            table = as_written(child.name, parent)
            name = f"{table.name}_without_{partition.name}"
            yield from _check(table, name, f"NOT ({condition})")


def _check(table: QualifiedName, name: str, condition: str) -> tuple[Step, ...]:
    definition = ConstraintDefinition(ConstraintKind.CHECK, name, expression=Expression(condition))
    return check_steps(table, definition)


def _condition(parent: QualifiedName, bound: PartitionBound | None, catalog: Catalog) -> str:
    """Return the bound as a condition; empty where it is not known, or of several columns."""
    table = catalog.table(parent)
    if table is None or bound is None or len(table.partition_key) != 1:
        return ""
    if table.partition_key[0].column is None:
        return ""
    column = table.partition_key[0].text
    if bound.values:
        if "NULL" in bound.values:
            return ""
        return f"{column} IS NOT NULL AND {column} IN ({', '.join(bound.values)})"
    sides = [f"{column} >= {value}" for value in bound.lower if value is not None]
    sides += [f"{column} < {value}" for value in bound.upper if value is not None]
    return " AND ".join([f"{column} IS NOT NULL", *sides]) if sides else ""
