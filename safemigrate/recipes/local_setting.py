"""Keep a setting to the transaction that it is for."""

import re

from safemigrate.model import Remedy
from safemigrate.recipes.rendering import alembic_execute

__all__ = ["set_locally"]

_SET = re.compile(r"\s*SET\s+(?:SESSION\s+)?(?!LOCAL\b)", re.IGNORECASE)


def set_locally(sql: str, setting: str, *, is_in_transaction: bool) -> Remedy:
    """Return how to set it for the rest of the transaction; without one, how to take it back.

    `sql`: the statement that sets it for the session, SET or a call of set_config.
    """
    if not is_in_transaction:
        back = f"RESET {setting}"
        return Remedy("take it back at the end", sql=f"{back};", alembic=alembic_execute(back))
    if _SET.match(sql) is None:
        return Remedy("set it for the transaction only: the last argument is true then")
    local = _SET.sub("SET LOCAL ", sql, count=1)
    return Remedy(
        "set it for the transaction only", sql=f"{local};", alembic=alembic_execute(local)
    )
