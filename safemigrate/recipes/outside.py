"""Run a statement of maintenance where the server takes it."""

from safemigrate.model import Remedy
from safemigrate.recipes.steps import concurrent_step, write_steps

__all__ = ["run_outside"]


def run_outside(sql: str) -> Remedy:
    """Return the statement, given without its semicolon, in an autocommit block."""
    return write_steps(
        "run it outside a transaction: in an autocommit block, or behind COMMIT",
        [concurrent_step(sql)],
    )
