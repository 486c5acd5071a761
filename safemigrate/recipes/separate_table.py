"""A table with the columns of another, and no tie to it."""

from safemigrate.model import Catalog, CreateTable, Remedy
from safemigrate.recipes.rendering import alembic_execute, type_sql
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["separate_from_parent"]


def separate_from_parent(action: CreateTable, catalog: Catalog) -> Remedy:
    """Return CREATE TABLE with the parent's columns copied, instead of inherited from it.

    Advice only where there are several parents, whose columns INHERITS would merge.
    """
    advice = "make it a table of its own, or let it reference the parent"
    if len(action.inherits) > 1:
        return Remedy(advice=advice)
    (parent,) = action.inherits
    parts = [f"LIKE {quote_name(parent)} INCLUDING ALL"]
    parts += [
        f"{quote_identifier(column.name)} {type_sql(column.type)}"
        for column in action.columns
        if catalog.column(parent, column.name) is None
    ]
    sql = f"CREATE TABLE {quote_name(action.table)} (\n    " + ",\n    ".join(parts) + "\n)"
    return Remedy(advice=advice, sql=f"{sql};", alembic=alembic_execute(sql))
