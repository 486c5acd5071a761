"""Columns that get a type which does not hold every value of the old one."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.facts import change_of_type
from safemigrate.model import AlterColumnType, ColumnType, Direction, Event
from safemigrate.recipes import condition_of_type
from safemigrate.rulekit.context import Context, once_a_passage

__all__ = ["NarrowedColumn", "is_better_limited", "narrowed_columns"]


@dataclass(frozen=True, slots=True)
class NarrowedColumn:
    """A change to a narrower type.

    `condition`: what a CHECK would say so that the type need not change, None where no CHECK can.
    """

    event: Event
    action: AlterColumnType
    old: ColumnType
    condition: str | None


@once_a_passage
def narrowed_columns(context: Context) -> Iterator[NarrowedColumn]:
    """Yield the changes to narrower types of columns that were there, in order.

    Nothing in a downgrade, which takes back what the upgrade widened.
    """
    for event, action in context.events(AlterColumnType):
        if context.passage.direction is Direction.DOWNGRADE:
            return
        column = event.before.column(action.table, action.column)
        old = None if column is None else column.type
        if old is None or not change_of_type(action, event.before).narrows:
            continue
        if context.is_new(event, action.table):
            continue
        if context.is_new_column(event, action.table, action.column):
            continue
        condition = None if old.dimensions else condition_of_type(action, old.name)
        yield NarrowedColumn(event, action, old, condition)


def is_better_limited(context: Context, event: Event) -> bool:
    """Return whether the event changes a type where a CHECK would do."""
    return any(
        each.event is event and each.condition is not None for each in narrowed_columns(context)
    )
