"""What runs together: locks are held until the transaction ends."""

from collections.abc import Iterator
from itertools import groupby

from safemigrate.model import Event
from safemigrate.rulekit.context import Context

__all__ = ["transactions"]


def transactions(context: Context) -> Iterator[tuple[Event, ...]]:
    """Yield the events of each transaction, in order; a statement outside one is one by itself."""
    for _, events in groupby(context.all_events(), key=_number):
        yield tuple(events)


def _number(event: Event) -> tuple[int | None, int]:
    number = event.statement.transaction
    return number, event.statement.ordinal if number is None else 0
