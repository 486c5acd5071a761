"""Limit how long a statement may wait or run."""

from safemigrate.model import Remedy
from safemigrate.recipes.rendering import alembic_execute, autocommit
from safemigrate.sql import quote_literal

__all__ = ["limit_by_timeout"]


def limit_by_timeout(setting: str, value: str, *, is_local: bool) -> Remedy:
    """Return the statement that sets the timeout, to go before what it is to limit.

    `is_local`: for the rest of the transaction only; for the session where there is none.
    """
    local = "LOCAL " if is_local else ""
    sql = f"SET {local}{setting} = {quote_literal(value)}"
    call = alembic_execute(sql)
    return Remedy(
        "say it before the statement, and run the migration again when it gives up",
        sql=f"{sql};",
        alembic=call if is_local else autocommit(call),
    )
