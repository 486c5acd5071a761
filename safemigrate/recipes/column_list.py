"""Say which columns the values of an INSERT are for."""

from safemigrate.model import Remedy, Table
from safemigrate.sql import quote_identifier

__all__ = ["name_columns"]


def name_columns(table: Table | None) -> Remedy:
    """Return the advice, with the list of columns where the table and all of them are known."""
    if table is None or not table.has_all_columns:
        return Remedy("name the columns behind the table")
    names = ", ".join(map(quote_identifier, table.columns))
    return Remedy(f"name the columns behind the table, as far as they get a value: ({names})")
