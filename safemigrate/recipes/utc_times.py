"""Change between the two timestamp types without a rewrite."""

from safemigrate.model import AlterColumnType, Remedy
from safemigrate.recipes.contract import LOCK_TIMEOUT
from safemigrate.recipes.rendering import alembic_execute, type_sql
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = ["change_times_in_utc"]


def change_times_in_utc(action: AlterColumnType) -> Remedy:
    """Return the change with the session's TimeZone at UTC, where it is free (since 12)."""
    statements = [
        f"SET LOCAL lock_timeout = {quote_literal(LOCK_TIMEOUT)}",
        "SET LOCAL timezone = 'UTC'",
        (
            f"ALTER TABLE {quote_name(action.table)}"
            f" ALTER COLUMN {quote_identifier(action.column)} TYPE {type_sql(action.type)}"
        ),
    ]
    return Remedy(
        advice="if the stored times are UTC: with TimeZone at UTC the change rewrites nothing",
        sql="\n".join(f"{statement};" for statement in ("BEGIN", *statements, "COMMIT")),
        alembic="\n".join(alembic_execute(statement) for statement in statements),
    )
