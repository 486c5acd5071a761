"""Keep JSON in the form that can be compared and searched."""

from dataclasses import replace

from safemigrate.model import Remedy
from safemigrate.recipes.other_type import use_type

__all__ = ["use_jsonb"]


def use_jsonb(column: str, dimensions: int) -> Remedy:
    """Return the column's definition as jsonb; `dimensions`: of an array of it, else 0."""
    remedy = use_type(column, "jsonb", "JSONB()", dimensions=dimensions)
    head = "from sqlalchemy.dialects.postgresql import JSONB"
    return replace(remedy, alembic=f"{head}\n\n{remedy.alembic}")
