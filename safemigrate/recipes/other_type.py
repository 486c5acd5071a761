"""Use another type for a new column."""

from safemigrate.model import Remedy
from safemigrate.recipes.rendering import code_string
from safemigrate.sql import quote_identifier

__all__ = ["use_type"]


def use_type(column: str, sql_type: str, alembic_type: str, *, dimensions: int = 0) -> Remedy:
    """Return the column's definition with the type, as SQL and as SQLAlchemy.

    `dimensions`: of an array of the type; 0 where it is none.
    """
    sql_type += "[]" * dimensions
    if dimensions:
        alembic_type = f"sa.ARRAY({alembic_type})"
    return Remedy(
        advice=f"declare it {sql_type}",
        sql=f"{quote_identifier(column)} {sql_type}",
        alembic=f"sa.Column({code_string(column)}, {alembic_type})",
    )
