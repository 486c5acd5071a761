"""Build an index anew while reads and writes go on."""

from dataclasses import replace

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import Reindex, Remedy
from safemigrate.recipes.steps import concurrent_step, write_steps
from safemigrate.sql import add_behind, read_actions

__all__ = ["reindex_concurrently"]

_ADVICE = "build it anew concurrently, outside a transaction"


def reindex_concurrently(action: Reindex, sql: str) -> Remedy:
    """Return REINDEX, whose statement is `sql`, with CONCURRENTLY.

    Only advice where the statement is not this action alone, and for what has no such form.
    """
    reworded = add_behind(sql, action.kind.value, "CONCURRENTLY")
    try:
        is_same = tuple(read_actions(reworded)) == (replace(action, is_concurrent=True),)
    except SqlSyntaxError:
        is_same = False
    return write_steps(_ADVICE, [concurrent_step(reworded)] if is_same else [])
