"""Make the room of dead rows usable while reads and writes go on."""

from safemigrate.model import Remedy, Vacuum
from safemigrate.recipes.steps import concurrent_step, write_steps
from safemigrate.sql import quote_name

__all__ = ["vacuum_in_place"]


def vacuum_in_place(action: Vacuum) -> Remedy:
    """Return VACUUM without FULL, of the same table, or of all."""
    name = "" if action.table is None else f" {quote_name(action.table)}"
    return write_steps(
        "a plain VACUUM makes the room usable again; an extension such as pg_repack gives it back",
        [concurrent_step(f"VACUUM{name}")],
    )
