"""Changing all rows under a lock that a change of the schema took."""

from collections.abc import Iterator

from safemigrate.model import (
    ChangeRows,
    Confidence,
    Event,
    Finding,
    LockMode,
    QualifiedName,
    RowChange,
    Severity,
)
from safemigrate.recipes import backfill_apart
from safemigrate.rulekit import Context, Family, join_words, rule, transactions

__all__ = ["backfill_in_same_transaction"]


@rule(family=Family.TRANSACTIONS, severity=Severity.ERROR, since="0.1.0")
def backfill_in_same_transaction(context: Context) -> Iterator[Finding]:
    """Changing rows in the transaction that changes a table keeps the table shut all the while.

    ## What it does

    Finds UPDATE, DELETE, MERGE and `INSERT … SELECT` that go through a whole table that was there
    before the migration, behind a statement of the same transaction that holds ACCESS EXCLUSIVE on
    such a table. Alembic runs a revision in one transaction.
    A condition over columns of which one has an index in front picks few rows, and is not found.

    ## Why is this unsafe?

    `ADD COLUMN` by itself is over in a moment, but its lock is held until the transaction ends.
    So every read and write of the table waits while all rows are changed, and the rows that are
    changed stay locked as well.

    ## Example

    ```sql
    BEGIN;
    ALTER TABLE recipe ADD COLUMN title text;
    UPDATE recipe SET title = name;
    COMMIT;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN title text;
    -- in transactions of their own, a few thousand rows in each:
    UPDATE recipe SET title = name WHERE id BETWEEN 1 AND 5000;
    ```

    ```python
    # in the next revision, or here:
    with op.get_context().autocommit_block():
        op.execute("UPDATE recipe SET title = name WHERE id BETWEEN 1 AND 5000")
    ```

    ## When it is safe

    On a table that the same migration creates, and on one so small that nobody notices.

    ## References

    - PostgreSQL manual, "Explicit Locking", Table-Level Locks
    """
    for events in transactions(context):
        held: dict[QualifiedName, None] = {}
        for event in events:
            if held and isinstance(event.action, ChangeRows):
                yield from _object(context, event, event.action, held)
            for lock in event.facts.locks:
                is_table = lock.relation not in event.before.indexes
                if is_table and lock.is_preexisting and lock.mode is LockMode.ACCESS_EXCLUSIVE:
                    held[lock.relation] = None


def _object(
    context: Context, event: Event, action: ChangeRows, held: dict[QualifiedName, None]
) -> Iterator[Finding]:
    named = [*action.reads, *([] if action.change is RowChange.INSERT else [action.table])]
    is_join = len(named) > 1 and action.has_condition
    whole = [
        str(event.before.resolve(table))
        for table in dict.fromkeys(named)
        if not context.is_new(event, table) and (is_join or not _is_picked(event, action, table))
    ]
    if not whole or action.change is RowChange.COPY:
        return
    shut = join_words([str(table) for table in held])
    yield context.finding(
        event,
        f"{action.change.value} goes through {join_words(whole)} while {shut} is shut",
        why=(
            f"what came before in the transaction holds ACCESS EXCLUSIVE on {shut} until it ends: "
            "all reads and writes there wait until every row is done"
        ),
        remedy=backfill_apart(event.statement.sql),
        # What a join with a condition goes through, only the planner knows.
        confidence=Confidence.MEDIUM if is_join else None,
    )


def _is_picked(event: Event, action: ChangeRows, name: QualifiedName) -> bool:
    """Return whether the condition can use an index, as far as the history shows them."""
    table = event.before.table(name)
    unknown = {*action.condition_columns} - (table.columns.keys() if table else set())
    if not action.condition_columns or (unknown and (table is None or not table.has_all_columns)):
        return action.has_condition
    return any(
        index.columns and index.columns[0] in action.condition_columns
        for index in event.before.indexes_of(name)
    )
