"""Add a constraint to a table in use, by the recipe of its kind."""

from safemigrate.model import (
    Catalog,
    ConstraintDefinition,
    ConstraintKind,
    QualifiedName,
    RelationKind,
    Remedy,
)
from safemigrate.recipes.key import key_steps
from safemigrate.recipes.steps import Step, write_steps
from safemigrate.recipes.validation import check_steps, foreign_key_steps

__all__ = ["add_constraint_in_steps", "constraint_steps", "move_to_new_table"]

_ADVICE = {
    ConstraintKind.CHECK: "add it NOT VALID, then validate it while reads and writes go on",
    ConstraintKind.FOREIGN_KEY: "add it NOT VALID, then validate it while reads and writes go on",
    ConstraintKind.UNIQUE: "build the unique index concurrently, and make the constraint of it",
    ConstraintKind.PRIMARY_KEY: "build the unique index concurrently, and make the key of it",
}
_ADVICE_PARTITIONED_KEY = (
    "make each partition's own of an index built concurrently; the parent takes them over unread"
)
_ADVICE_BY_PARTITION = {
    ConstraintKind.FOREIGN_KEY: (
        "add it to each partition NOT VALID and validate it there; the parent takes them over "
        "unread (before 18 it takes no NOT VALID itself)"
    ),
    ConstraintKind.UNIQUE: _ADVICE_PARTITIONED_KEY,
    ConstraintKind.PRIMARY_KEY: _ADVICE_PARTITIONED_KEY,
}
_ADVICE_USING_INDEX = "set the columns NOT NULL from a proof first, and make the key of the index"


def add_constraint_in_steps(
    table: QualifiedName, constraint: ConstraintDefinition, catalog: Catalog
) -> Remedy:
    """Return how to add the constraint, its name filled in, with nobody kept waiting."""
    steps = constraint_steps(table, constraint, catalog)
    if constraint.index is not None:
        # One step would be the statement itself: the columns of the index are not known.
        is_known = len(steps) > 1
        return write_steps(_ADVICE_USING_INDEX, steps if is_known else ())
    advice = _ADVICE[constraint.kind]
    found = catalog.table(table)
    if found is not None and found.kind is RelationKind.PARTITIONED_TABLE:
        advice = _ADVICE_BY_PARTITION.get(constraint.kind, advice)
    return write_steps(advice, steps)


def constraint_steps(
    table: QualifiedName,
    constraint: ConstraintDefinition,
    catalog: Catalog,
    *,
    is_new_column: bool = False,
) -> tuple[Step, ...]:
    """Return the steps to the constraint, its name filled in; empty where there are none.

    `is_new_column`: it is written at a column that the steps before have just made.
    """
    match constraint.kind:
        case ConstraintKind.CHECK:
            return check_steps(table, constraint)
        case ConstraintKind.FOREIGN_KEY:
            return foreign_key_steps(table, constraint, catalog)
        case ConstraintKind.UNIQUE | ConstraintKind.PRIMARY_KEY:
            return key_steps(table, constraint, catalog, is_new_column=is_new_column)
        case ConstraintKind.EXCLUDE | ConstraintKind.NOT_NULL:
            return ()


def move_to_new_table(table: QualifiedName) -> Remedy:
    """Return the way to an exclusion constraint, which has no concurrent form; advice only."""
    return Remedy(
        advice=(
            f'create a table like "{table.name}" with the constraint, keep it in step by a '
            "trigger, copy the old rows in batches, and swap the names in one short transaction"
        )
    )
