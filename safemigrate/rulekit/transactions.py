"""What runs together: locks are held until the transaction ends."""

from collections.abc import Iterator
from itertools import groupby

from safemigrate.model import Event, LockMode, QualifiedName
from safemigrate.rulekit.context import Context, once_a_passage

__all__ = ["number_transaction", "shut_tables", "transactions"]


@once_a_passage
def transactions(context: Context) -> Iterator[tuple[Event, ...]]:
    """Yield the events of each transaction, in order.

    A statement outside one is one by itself, and more where its body ends transactions.
    """
    for _, events in groupby(context.all_events(), key=number_transaction):
        yield tuple(events)


def number_transaction(event: Event) -> tuple[int | None, int, int]:
    """Return what tells the event's transaction from others of the migration."""
    number = event.statement.transaction
    return number, event.statement.ordinal if number is None else 0, event.section


def shut_tables(event: Event) -> Iterator[QualifiedName]:
    """Yield the tables from before the migration that the event takes ACCESS EXCLUSIVE on."""
    for lock in event.facts.locks:
        is_table = lock.relation not in event.before.indexes
        if is_table and lock.is_preexisting and lock.mode is LockMode.ACCESS_EXCLUSIVE:
            yield lock.relation
