"""A role whose password stands nowhere."""

import re

from safemigrate.model import Remedy
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.recipes.rendering import alembic_execute

__all__ = ["leave_out_password"]

_CLAUSE = re.compile(r"\s+(?:ENCRYPTED\s+)?PASSWORD\s*'\*\*\*'", re.IGNORECASE)
_WITH = re.compile(r"\s+WITH\s*\Z", re.IGNORECASE)
_BARE_ALTER = re.compile(r"\s*ALTER\s+(?:ROLE|USER|GROUP)\s+(?:\"[^\"]*\"|\S+)\s*\Z", re.IGNORECASE)


def leave_out_password(sql: str) -> Remedy:
    """Return CREATE or ALTER ROLE without its password; only the advice where nothing is left."""
    rest = _WITH.sub("", _CLAUSE.sub("", hide_sql_passwords(sql)))
    advice = "leave the password out, and set it by hand: \\password of psql sends no plain text"
    if _BARE_ALTER.match(rest) or "***" in rest:
        return Remedy(advice)
    return Remedy(advice, f"{rest};", alembic_execute(rest))
