"""Which rows a statement goes through, as far as its condition says."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.model import ChangeRows, Event, QualifiedName, RowChange
from safemigrate.rulekit.context import Context, once_a_passage
from safemigrate.rulekit.transactions import shut_tables, transactions

__all__ = ["Backfill", "backfills", "picks_by_index", "unconditional_changes"]


@dataclass(frozen=True, slots=True)
class Backfill:
    """A change of rows that goes through whole tables while the transaction keeps some shut.

    `whole`: the tables gone through, resolved. `shut`: held under ACCESS EXCLUSIVE.
    `is_join`: of several tables with a condition, so that only the planner knows.
    """

    event: Event
    action: ChangeRows
    whole: tuple[QualifiedName, ...]
    shut: tuple[QualifiedName, ...]
    is_join: bool


@once_a_passage
def backfills(context: Context) -> Iterator[Backfill]:
    """Yield the changes of rows under a lock that shuts a table that was there, in order."""
    if not any(context.events(ChangeRows)):
        return
    for events in transactions(context):
        held: dict[QualifiedName, None] = {}
        for event in events:
            action = event.action
            if held and isinstance(action, ChangeRows) and action.change is not RowChange.COPY:
                is_target_read = action.change is not RowChange.INSERT
                named = [*action.reads, *([action.table] if is_target_read else [])]
                is_join = len(named) > 1 and action.has_condition
                whole = tuple(
                    event.before.resolve(table)
                    for table in dict.fromkeys(named)
                    if not context.is_new(event, table)
                    and (is_join or not picks_by_index(event, action, table))
                )
                if whole:
                    yield Backfill(event, action, whole, tuple(held), is_join)
            held |= dict.fromkeys(shut_tables(event))


def unconditional_changes(
    context: Context, change: RowChange
) -> Iterator[tuple[Event, ChangeRows]]:
    """Yield the changes of every row of a table that was there; not those among `backfills`."""
    for event, action in context.events(ChangeRows):
        if action.change is not change or action.has_condition:
            continue
        is_backfill = any(each.event is event for each in backfills(context))
        if not context.is_new(event, action.table) and not is_backfill:
            yield event, action


def picks_by_index(event: Event, action: ChangeRows, name: QualifiedName) -> bool:
    """Return whether the condition can use an index of the table, as far as the history shows.

    False where the statement has no condition; True where it has one and the columns that it names
    may be ones that the history does not show.
    """
    table = event.before.table(name)
    unknown = {*action.condition_columns} - (table.columns.keys() if table else set())
    if not action.condition_columns or (unknown and (table is None or not table.has_all_columns)):
        return action.has_condition
    return any(
        index.columns and index.columns[0] in action.condition_columns
        for index in event.before.indexes_of(name)
    )
