"""Run outside a transaction what PostgreSQL refuses inside one."""

from safemigrate.catalog import choose_index_name
from safemigrate.model import (
    Catalog,
    CreateIndex,
    DetachPartition,
    DropIndex,
    Remedy,
)
from safemigrate.recipes.concurrent_index import concurrent_index_step, drop_index_concurrently
from safemigrate.recipes.steps import Step, concurrent_step, write_steps
from safemigrate.sql import quote_name

__all__ = ["leave_transaction"]

_ADVICE = "run it outside a transaction: in an autocommit block, or behind COMMIT"


def leave_transaction(
    action: CreateIndex | DropIndex | DetachPartition, catalog: Catalog
) -> Remedy:
    """Return the concurrent statement in an autocommit block."""
    match action:
        case CreateIndex():
            step = concurrent_index_step(action, choose_index_name(action, catalog))
        case DropIndex():
            index = catalog.index(action.index)
            remedy = drop_index_concurrently(action, None if index is None else index.table)
            step = Step(remedy.sql, remedy.alembic)
        case DetachPartition():
            step = concurrent_step(
                f"ALTER TABLE {quote_name(action.table)}"
                f" DETACH PARTITION {quote_name(action.partition)} CONCURRENTLY"
            )
    return write_steps(_ADVICE, [step])
