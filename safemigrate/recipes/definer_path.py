"""A SECURITY DEFINER function with a search_path of its own."""

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import Catalog, CreateFunction, Remedy
from safemigrate.recipes.rendering import alembic_execute
from safemigrate.sql import add_at_end, quote_identifier, read_actions

__all__ = ["set_search_path"]

_ADVICE = "let the function set its search_path, with pg_temp at the end"


def set_search_path(sql: str, catalog: Catalog) -> Remedy:
    """Return CREATE FUNCTION as in `sql`, with the present search_path and pg_temp behind it.

    Only the advice where the body stands at the end, and nothing can come behind it.
    """
    path = ", ".join(map(quote_identifier, (*catalog.search_path, "pg_temp")))
    changed = add_at_end(sql, f"SET search_path = {path}")
    try:
        actions = read_actions(changed)
    except SqlSyntaxError:
        return Remedy(_ADVICE)
    match actions:
        case (CreateFunction(settings=settings),) if settings:
            return Remedy(_ADVICE, f"{changed};", alembic_execute(changed))
    return Remedy(_ADVICE)
