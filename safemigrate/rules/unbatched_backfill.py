"""Changing many rows in one statement."""

from collections.abc import Iterator

from safemigrate.model import ChangeRows, Confidence, Finding, Remedy, RowChange, Severity
from safemigrate.rulekit import Context, Family, picks_by_index, rule

__all__ = ["unbatched_backfill"]


@rule(family=Family.DATA_CHANGES, severity=Severity.INFO, since="0.1.0", is_default=False)
def unbatched_backfill(context: Context) -> Iterator[Finding]:
    """Changing many rows in one statement locks all of them until the last one is done.

    ## What it does

    Finds `UPDATE` and `DELETE` of a table that was there before the migration, whose condition
    names no column that an index begins with, or that join another table.
    Without a condition, `update-without-where` and `delete-without-where` find them.
    The rule is off unless it is selected, because how many rows it is, only the table knows.

    ## Why is this unsafe?

    The whole table is read to find the rows, and each row that is changed stays locked until the
    transaction ends: whoever changes one of them waits. A replica lags behind, and VACUUM can
    clean up nothing meanwhile.

    ## Example

    ```sql
    UPDATE recipe SET origin = 'here' WHERE origin IS NULL;
    ```

    ## Use instead

    ```sql
    -- a few thousand rows at a time, each batch in a transaction of its own:
    UPDATE recipe SET origin = 'here' WHERE origin IS NULL AND id BETWEEN 1 AND 5000;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.execute(
            "UPDATE recipe SET origin = 'here' WHERE origin IS NULL AND id BETWEEN 1 AND 5000"
        )
    ```

    ## When it is safe

    Where the condition picks few rows of a small table, and on a table that the same migration
    creates.

    ## References

    - PostgreSQL manual, "UPDATE"
    - PostgreSQL manual, "Explicit Locking", Row-Level Locks
    """
    for event, action in context.events(ChangeRows):
        if action.change not in {RowChange.UPDATE, RowChange.DELETE} or not action.has_condition:
            continue
        is_picked = not action.reads and picks_by_index(event, action, action.table)
        if is_picked or context.is_new(event, action.table):
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'{action.change.value} goes through all of "{table}" in one statement',
            why="each row that it changes stays locked against other changes until the last one is "
            "done",
            remedy=Remedy(
                "narrow the condition to a range of the key, a few thousand rows at a time, each "
                "batch in a transaction of its own"
            ),
            confidence=Confidence.MEDIUM,
        )
