"""Change what views stand in the way of."""

from collections.abc import Sequence

from safemigrate.model import Remedy, Table
from safemigrate.recipes.rendering import alembic_execute
from safemigrate.sql import quote_name

__all__ = ["change_under_views"]


def change_under_views(sql: str, views: Sequence[Table]) -> Remedy:
    """Return the statement with the views dropped before and made again behind it.

    `views`: each before those that read it. Only the advice where one is not a plain view that the
    history shows the making of.
    """
    advice = (
        "drop the views, change the type, and make them again, in one transaction; grants and "
        "comments on them go as well, and must be given again"
    )
    if "$1" in sql or not all(view.definition for view in views):
        return Remedy(advice)
    statements = [
        *(f"DROP VIEW {quote_name(view.name)}" for view in reversed(views)),
        sql,
        *(view.definition for view in views),
    ]
    inside = "\n".join(f"{statement};" for statement in statements)
    return Remedy(
        advice,
        sql=f"BEGIN;\n{inside}\nCOMMIT;",
        alembic="\n".join(map(alembic_execute, statements)),
    )
