"""Make a domain that restricts nothing, so that it can be used and changed freely."""

from safemigrate.model import CreateDomain, Remedy
from safemigrate.recipes.rendering import alembic_execute, type_sql
from safemigrate.sql import quote_name

__all__ = ["restrict_columns_instead"]


def restrict_columns_instead(action: CreateDomain) -> Remedy:
    """Return the domain without its constraints."""
    sql = f"CREATE DOMAIN {quote_name(action.domain)} AS {type_sql(action.type)}"
    return Remedy(
        advice="make the domain without it, and give each column of it a CHECK",
        sql=f"{sql};",
        alembic=alembic_execute(sql),
    )
