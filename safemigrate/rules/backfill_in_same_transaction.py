"""Changing all rows under a lock that a change of the schema took."""

from collections.abc import Iterator

from safemigrate.model import Confidence, Finding, RowChange, Severity
from safemigrate.recipes import backfill_apart
from safemigrate.rulekit import Context, Family, backfills, join_words, rule

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
    for each in backfills(context):
        shut = join_words([str(table) for table in each.shut])
        are = "is" if len(each.shut) == 1 else "are"
        whole = join_words([str(table) for table in each.whole])
        change = each.action.change
        is_emptied = change is RowChange.DELETE and not each.action.has_condition
        lost = "; and no row is left then" if is_emptied else ""
        yield context.finding(
            each.event,
            f"{change.value} goes through {whole} while {shut} {are} shut",
            why=(
                f"what came before in the transaction holds ACCESS EXCLUSIVE on {shut} until it "
                f"ends: all reads and writes there wait until every row is done{lost}"
            ),
            remedy=backfill_apart(each.event.statement.sql),
            # What a join with a condition goes through, only the planner knows.
            confidence=Confidence.MEDIUM if each.is_join else None,
        )
