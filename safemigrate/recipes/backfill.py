"""Change rows in a transaction of their own."""

from safemigrate.model import Remedy
from safemigrate.recipes.rendering import alembic_execute, autocommit
from safemigrate.recipes.steps import Step, write_steps

__all__ = ["backfill_apart"]


def backfill_apart(sql: str) -> Remedy:
    """Return how to run the statement once the transaction that holds the lock has ended."""
    advice = (
        "commit the change of the table first, and change the rows afterwards: in the next "
        "revision or an autocommit block, and in batches where there are many"
    )
    if "$" in sql:
        # With bound values it cannot be pasted.
        return Remedy(advice)
    step = Step(
        f"{sql};",
        autocommit(alembic_execute(sql)),
        note="after the COMMIT of what changes the table; in batches where there are many rows",
    )
    return write_steps(advice, [step])
