"""Changing every row at once."""

from collections.abc import Iterator

from safemigrate.model import Finding, RowChange, Severity
from safemigrate.recipes import change_in_batches
from safemigrate.rulekit import Context, Family, rule, unconditional_changes

__all__ = ["update_without_where"]


@rule(family=Family.DATA_CHANGES, severity=Severity.WARNING, since="0.1.0")
def update_without_where(context: Context) -> Iterator[Finding]:
    """An UPDATE without WHERE locks every row until it ends, and doubles the table.

    ## What it does

    Finds `UPDATE` without `WHERE`, of a table that was there before the migration.
    Behind a change of the schema in the same transaction, backfill-in-same-transaction speaks.

    ## Why is this unsafe?

    Every row is written anew, and locked until the transaction ends: whoever changes one of them
    waits. The old rows stay in the file until VACUUM comes by, so the table is twice as big.
    And a condition that was forgotten looks just like this.

    ## Example

    ```sql
    UPDATE recipe SET origin = 'here';
    ```

    ## Use instead

    ```sql
    -- a few thousand rows at a time, each batch in a transaction of its own:
    UPDATE recipe SET origin = 'here' WHERE id BETWEEN 1 AND 5000;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.execute("UPDATE recipe SET origin = 'here' WHERE id BETWEEN 1 AND 5000")
    ```

    A new column whose value is the same for all rows needs no UPDATE: `ADD COLUMN … DEFAULT`.

    ## When it is safe

    On a table of a few rows, and on one that the same migration creates.

    ## References

    - PostgreSQL manual, "UPDATE"
    - PostgreSQL manual, "Routine Vacuuming", Recovering Disk Space
    """
    for event, action in unconditional_changes(context, RowChange.UPDATE):
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'UPDATE without WHERE changes every row of "{table}" at once',
            why="each row stays locked against other changes until all are done, and the table "
            "grows to twice its size",
            remedy=change_in_batches(event.statement.sql, action, event.before),
        )
