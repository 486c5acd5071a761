"""Move an index to another tablespace while reads and writes go on."""

from safemigrate.model import Remedy, SetTablespace
from safemigrate.recipes.steps import concurrent_step, write_steps
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["reindex_in_tablespace"]


def reindex_in_tablespace(action: SetTablespace) -> Remedy:
    """Return how to build the index anew in the tablespace, concurrently (since 14)."""
    place, index = quote_identifier(action.tablespace), quote_name(action.relation)
    return write_steps(
        "build it anew in the other tablespace concurrently, outside a transaction",
        [concurrent_step(f"REINDEX (TABLESPACE {place}) INDEX CONCURRENTLY {index}")],
    )
