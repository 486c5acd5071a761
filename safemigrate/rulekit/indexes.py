"""The indexes of a table, and the names of new ones."""

from safemigrate.catalog import choose_index_name
from safemigrate.model import Catalog, CreateIndex, Event, Index, Table
from safemigrate.sql import quote_identifier

__all__ = ["has_index_on", "name_new_index"]

# The methods that find a row by equal values.
_METHODS = frozenset({"btree", "hash"})


def name_new_index(event: Event, action: CreateIndex) -> str:
    """Return the name of the index that the event builds, given or chosen by PostgreSQL."""
    return choose_index_name(action, event.before)


def has_index_on(table: Table, columns: tuple[str, ...], catalog: Catalog) -> bool:
    """Return whether rows with given values in the columns are found by an index.

    It begins with the columns, in any order, and leaves out only rows that have NULL there.
    """
    if any(_begins_with(index, columns) for index in catalog.indexes_of(table.name)):
        return True
    # A partition has the indexes of its parent.
    parent = None if table.partition_of is None else catalog.table(table.partition_of)
    return parent is not None and has_index_on(parent, columns, catalog)


def _begins_with(index: Index, columns: tuple[str, ...]) -> bool:
    if index.method not in _METHODS or set(index.columns[: len(columns)]) != set(columns):
        return False
    if index.predicate is None:
        return True
    names = index.predicate.not_null_columns
    said = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in names)
    return index.predicate.sql == said and set(names) <= set(columns)
