"""What TRUNCATE empties beside the tables that it names."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import Event, QualifiedName, Truncate
from safemigrate.rulekit.context import Context, once_a_passage

__all__ = ["CascadingTruncate", "cascading_truncates"]


@dataclass(frozen=True, slots=True)
class CascadingTruncate:
    """A TRUNCATE that empties tables nobody named.

    `table`: resolved. `named`: by the same statement. `reached`: emptied as well, of those that
    were there before the migration; empty where the history does not show what references it.
    """

    event: Event
    table: QualifiedName
    named: tuple[QualifiedName, ...]
    reached: tuple[QualifiedName, ...]


@once_a_passage
def cascading_truncates(context: Context) -> Iterator[CascadingTruncate]:
    """Yield each table whose TRUNCATE empties others, or may do so, in order."""
    for event, action in context.events(Truncate):
        if not action.is_cascade:
            continue
        table = event.before.resolve(action.table)
        named = tuple(_named(context, event))
        reached = tuple(
            name
            for name in _reach(event, table)
            if name not in named and not context.is_new(event, name)
        )
        is_known = event.before.is_complete or context.is_new(event, table)
        if reached or not is_known:
            yield CascadingTruncate(event, table, named, reached)


def _named(context: Context, event: Event) -> Iterator[QualifiedName]:
    """Yield the tables that the same statement names."""
    for other, action in context.events(Truncate):
        if other.statement is event.statement and other.offset == event.offset:
            yield other.before.resolve(action.table)


def _reach(event: Event, table: QualifiedName) -> list[QualifiedName]:
    """Return the tables that reference it, and those that reference them."""
    found, waiting = [table], [table]
    while waiting:
        for other, _ in event.before.foreign_keys_to(waiting.pop()):
            if other.name not in found:
                found.append(other.name)
                waiting.append(other.name)
    return found[1:]
