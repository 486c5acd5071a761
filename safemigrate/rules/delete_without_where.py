"""Deleting every row."""

from collections.abc import Iterator

from safemigrate.model import Finding, RowChange, Severity
from safemigrate.recipes import change_in_batches
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule, unconditional_changes

__all__ = ["delete_without_where"]


@rule(
    family=Family.DATA_CHANGES,
    severity=Severity.WARNING,
    since="0.1.0",
    directions=UPGRADE_ONLY,
)
def delete_without_where(context: Context) -> Iterator[Finding]:
    """A DELETE without WHERE loses every row of the table.

    ## What it does

    Finds `DELETE` without `WHERE` in an upgrade, of a table that was there before the migration.
    Behind a change of the schema in the same transaction, backfill-in-same-transaction speaks.

    ## Why is this unsafe?

    A condition that was forgotten looks just like this, and the rows are gone, with what refers to
    them by `ON DELETE CASCADE`. Where all of them are meant, it takes as long as there are rows,
    each of them is locked until the end, and the file stays as big as it was.

    ## Example

    ```sql
    DELETE FROM recipe;
    ```

    ## Use instead

    ```sql
    DELETE FROM recipe WHERE origin IS NULL;
    ```

    ```python
    op.execute("DELETE FROM recipe WHERE origin IS NULL")
    ```

    Where all are meant and nobody uses them any more, `TRUNCATE` is over at once.

    ## When it is safe

    On a table whose rows anybody can make again, such as a cache, and on one that the same
    migration creates.

    ## References

    - PostgreSQL manual, "DELETE"
    """
    for event, action in unconditional_changes(context, RowChange.DELETE):
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'DELETE without WHERE loses every row of "{table}"',
            why="they are gone when the transaction commits, and no downgrade brings them back; "
            "each stays locked until all are done",
            remedy=change_in_batches(event.statement.sql, action, event.before),
        )
