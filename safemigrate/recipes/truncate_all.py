"""Empty several tables by name, where CASCADE would find them itself."""

from collections.abc import Sequence

from safemigrate.model import QualifiedName, Remedy
from safemigrate.recipes.contract import contract
from safemigrate.sql import quote_name

__all__ = ["truncate_by_name"]


def truncate_by_name(tables: Sequence[QualifiedName], rule: str) -> Remedy:
    """Return TRUNCATE of the tables without CASCADE; `rule` finds fault with any TRUNCATE."""
    return contract(
        rule,
        advice="leave CASCADE out, and name every table that is to be emptied",
        comment="once nobody needs the rows of any of them",
        reason="rows not needed since release <version>",
        sql=f"TRUNCATE {', '.join(map(quote_name, tables))}",
        call="",
    )
