"""An extension that somebody else creates beforehand."""

from safemigrate.model import Remedy
from safemigrate.recipes.rendering import alembic_execute
from safemigrate.sql import add_behind

__all__ = ["guard_extension"]


def guard_extension(sql: str) -> Remedy:
    """Return CREATE EXTENSION so that it is content with one that is there."""
    guarded = add_behind(sql, "EXTENSION", "IF NOT EXISTS")
    return Remedy(
        "let whoever runs the server create it beforehand",
        sql=f"{guarded};",
        alembic=alembic_execute(guarded),
    )
