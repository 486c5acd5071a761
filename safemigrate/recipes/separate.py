"""Run a statement in a transaction of its own."""

from safemigrate.model import Remedy
from safemigrate.recipes.rendering import alembic_execute, autocommit
from safemigrate.recipes.steps import Step, write_steps

__all__ = ["run_apart", "run_without_transaction"]


def run_apart(sql: str) -> Remedy:
    """Return how to run the statement once the transaction that holds the locks has ended."""
    advice = (
        "commit first, and run it in a transaction of its own: in the next revision, or in an "
        "autocommit block"
    )
    if "$1" in sql:
        # With bound values it cannot be pasted.
        return Remedy(advice)
    step = Step(
        f"{sql};", autocommit(alembic_execute(sql)), note="after the COMMIT of what holds the lock"
    )
    return write_steps(advice, [step])


def run_without_transaction(sql: str) -> Remedy:
    """Return how a revision runs the statement outside the transaction that Alembic opens."""
    advice = "let Alembic commit: run what must be outside the transaction in an autocommit block"
    if not sql or "$1" in sql:
        return Remedy(advice)
    return Remedy(advice, sql=f"{sql};", alembic=autocommit(alembic_execute(sql)))
