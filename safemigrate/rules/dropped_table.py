"""Dropping a table that running code still uses."""

from collections.abc import Iterator

from safemigrate.model import DropTable, Finding, LockMode, Severity
from safemigrate.recipes import drop_table_later
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    doubt_of_missing,
    name_locked_tables,
    rule,
)

__all__ = ["dropped_table"]


@rule(family=Family.DATA_LOSS, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_table(context: Context) -> Iterator[Finding]:
    """Dropping a table breaks the code that still uses it and loses its rows for good.

    ## What it does

    Finds `DROP TABLE` in an upgrade, of a table that was there before the migration.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs, and every statement of its that names
    the table fails from the moment of the commit.
    The rows are gone, and a downgrade cannot bring them back.
    `DROP TABLE` takes ACCESS EXCLUSIVE on the table, and on every table that its foreign keys
    reference: all their readers and writers wait for it, and it waits for all of them.

    ## Example

    ```sql
    DROP TABLE recipe;
    ```

    ## Use instead

    Expand and contract: take the table out of the code, deploy that everywhere, and drop the table
    in a later release, saying which one made it unused.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-table] unused since release 4.2
    DROP TABLE recipe;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-table] unused since release 4.2
    op.drop_table("recipe")
    ```

    ## When it is safe

    Once no running release uses the table, and its rows are not needed.
    On a table that the same migration creates, nothing is found.
    With `IF EXISTS`, a table that the history does not show is found with low confidence:
    something else may have made it, and filled it.

    ## References

    - PostgreSQL manual, "DROP TABLE"
    """
    for event, action in context.events(DropTable):
        if context.is_new(event, action.table):
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        is_shown = event.before.table(action.table) is not None
        yield context.finding(
            event,
            f'dropping table "{table}" breaks code that still uses it',
            why=doubt_of_missing(action, is_shown=is_shown)
            + (
                "the release that runs meanwhile still selects from it and writes to it, and its "
                f"rows are gone; DROP TABLE holds ACCESS EXCLUSIVE on {tables}: all reads and "
                "writes wait until the transaction ends"
            ),
            remedy=drop_table_later(action, context.rule),
        )
