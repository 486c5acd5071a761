"""Build an index concurrently again after a build that failed."""

from safemigrate.catalog import choose_index_name
from safemigrate.model import Catalog, CreateIndex, DropIndex, QualifiedName, Remedy
from safemigrate.recipes.concurrent_index import concurrent_index_step, drop_index_concurrently
from safemigrate.recipes.steps import Step, write_steps

__all__ = ["drop_and_build_index"]


def drop_and_build_index(action: CreateIndex, catalog: Catalog) -> Remedy:
    """Return DROP INDEX CONCURRENTLY IF EXISTS, and the build without IF NOT EXISTS."""
    name = choose_index_name(action, catalog)
    index = QualifiedName(action.table.schema, name)
    drop = drop_index_concurrently(DropIndex(index, takes_missing=True), action.table)
    return write_steps(
        "drop what a failed build has left, and build it",
        [Step(drop.sql, drop.alembic), concurrent_index_step(action, name)],
    )
