"""What new statements name, and the history does not have."""

from collections.abc import Iterable, Iterator

from safemigrate.cli.drafts.desk import Proof
from safemigrate.model import Catalog, CreateTable, Event, QualifiedName
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["list_strangers"]

_SYSTEM = frozenset({"information_schema", "pg_catalog"})


def list_strangers(proofs: Iterable[Proof]) -> tuple[str, ...]:
    """Return a line for each table or column that is named and surely not there."""
    found = (
        line
        for proof in proofs
        for item in proof.upgrade.statements
        for event in item.events
        for line in _look(event)
    )
    return tuple(dict.fromkeys(found))


def _look(event: Event) -> Iterator[str]:
    action, before = event.action, event.before
    table = getattr(action, "table", None)
    is_guarded = getattr(action, "takes_missing", False)
    if event.is_in_body or is_guarded or isinstance(action, CreateTable):
        return
    if not isinstance(table, QualifiedName):
        return
    found = before.table(table)
    if found is None:
        if before.is_complete and not _is_other(before.resolve(table), before):
            yield f"the history makes no table {quote_name(table)}"
        return
    column = getattr(action, "column", None)
    if isinstance(column, str) and found.has_all_columns and column not in found.columns:
        yield f"the history gives {quote_name(table)} no column {quote_identifier(column)}"


def _is_other(name: QualifiedName, before: Catalog) -> bool:
    """Return whether the name is of what a catalog holds elsewhere, or not at all."""
    return name.schema in _SYSTEM or name in before.indexes or name in before.sequences
