"""A transaction with its end."""

from collections.abc import Sequence

from safemigrate.model import Remedy
from safemigrate.recipes.steps import sql_step

__all__ = ["commit_transaction"]


def commit_transaction(statements: Sequence[str]) -> Remedy:
    """Return the statements with BEGIN and COMMIT around them, which Alembic adds by itself."""
    advice = "end it with COMMIT; in a revision, Alembic commits"
    if not statements:
        return Remedy(advice, sql="COMMIT;")
    step = sql_step(*statements)
    return Remedy(advice, sql=f"BEGIN;\n{step.sql}\nCOMMIT;", alembic=step.alembic)
