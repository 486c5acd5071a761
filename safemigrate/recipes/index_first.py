"""Give a foreign key the index by which its rows are found."""

from safemigrate.catalog import choose_index_name
from safemigrate.model import Catalog, CreateIndex, IndexColumn, QualifiedName, Remedy
from safemigrate.recipes.concurrent_index import build_index, build_index_concurrently
from safemigrate.sql import quote_identifier

__all__ = ["index_foreign_key"]


def index_foreign_key(
    table: QualifiedName, columns: tuple[str, ...], catalog: Catalog, *, is_new: bool
) -> Remedy:
    """Return how to index the columns; `catalog`: as the foreign key finds it.

    `is_new`: the table is made by the same migration, so that nobody waits for a plain build.
    Only advice where the columns come with the foreign key itself.
    """
    action = CreateIndex(
        None,
        table,
        tuple(IndexColumn(quote_identifier(name), name) for name in columns),
        is_concurrent=not is_new,
    )
    name = choose_index_name(action, catalog)
    found = catalog.table(table)
    is_there = found is not None and all(column in found.columns for column in columns)
    if is_there and not is_new:
        return build_index_concurrently(action, name, catalog)
    return Remedy(f"give it one as well: {build_index(action, name)}")
