"""What becomes of a table by the end of the migration, and of the history."""

from safemigrate.model import Catalog, CreateTable, Event, QualifiedName, Table
from safemigrate.rulekit.context import Context

__all__ = ["find_after", "find_at_end"]


def find_after(context: Context, event: Event, name: QualifiedName) -> Table | None:
    """Return the table that the event makes or alters as the migration leaves it, None if gone.

    It may have been renamed since.
    """
    return _find(context.passage.after, event, name)


def find_at_end(context: Context, event: Event, name: QualifiedName) -> Table | None:
    """Return the table that the event makes or alters as the history leaves it, None if gone.

    It may have been renamed since.
    """
    return _find(context.end, event, name)


def _find(catalog: Catalog, event: Event, name: QualifiedName) -> Table | None:
    found = event.before.table(name)
    if found is None or isinstance(event.action, CreateTable):
        identity = event.before.next_identity
    else:
        identity = found.identity
    return catalog.by_identity(identity)
