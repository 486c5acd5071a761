"""Change the rows of a table a batch at a time."""

from safemigrate.model import Catalog, ChangeRows, ConstraintKind, QualifiedName, Remedy
from safemigrate.recipes.rendering import alembic_execute, autocommit
from safemigrate.recipes.steps import Step, write_steps
from safemigrate.sql import quote_identifier

__all__ = ["change_in_batches"]

_NUMBERS = frozenset({"bigint", "integer", "smallint"})


def change_in_batches(sql: str, action: ChangeRows, catalog: Catalog) -> Remedy:
    """Return the first batch of the statement `sql`, an UPDATE or DELETE that has no WHERE.

    Only the advice where the table has no primary key of one number, or a condition cannot be
    written behind the text.
    """
    advice = (
        "say with WHERE which rows are meant; where it is all of them, change a few thousand at a "
        "time, each batch in a transaction of its own"
    )
    key = _key(action.table, catalog)
    is_inside = not sql.lower().startswith(action.change.value.lower())
    is_awkward = "--" in sql or "$1" in sql or "returning" in sql.lower()
    if key is None or is_inside or is_awkward or action.reads:
        return Remedy(advice)
    batch = f"{sql} WHERE {quote_identifier(key)} BETWEEN 1 AND 5000"
    note = "and so on, batch by batch"
    return write_steps(advice, [Step(f"{batch};", autocommit(alembic_execute(batch)), note=note)])


def _key(table: QualifiedName, catalog: Catalog) -> str | None:
    """Return the primary key of the table, where it is one column of numbers."""
    found = catalog.table(table)
    if found is None:
        return None
    for constraint in found.constraints.values():
        if constraint.kind is ConstraintKind.PRIMARY_KEY and len(constraint.columns) == 1:
            column = found.columns.get(constraint.columns[0])
            if column is not None and column.type is not None and column.type.name in _NUMBERS:
                return column.name
    return None
