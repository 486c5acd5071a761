"""Emptying a table that running code still reads."""

from collections.abc import Iterator

from safemigrate.model import Finding, LockMode, Severity, Truncate
from safemigrate.recipes import truncate_later
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    cascading_truncates,
    name_locked_tables,
    rule,
)

__all__ = ["truncated_table"]


@rule(family=Family.DATA_LOSS, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def truncated_table(context: Context) -> Iterator[Finding]:
    """Truncating a table loses its rows for good, with everybody shut out.

    ## What it does

    Finds `TRUNCATE` in an upgrade, of a table that was there before the migration.
    Where CASCADE empties other tables as well, cascading-truncate speaks.

    ## Why is this unsafe?

    The rows are gone, and a downgrade cannot bring them back; the release that runs meanwhile
    still expects them.
    `TRUNCATE` takes ACCESS EXCLUSIVE on the table: all reads and writes wait. Readers with an older
    snapshot find the table empty.

    ## Example

    ```sql
    TRUNCATE recipe;
    ```

    ## Use instead

    Make sure that no release needs the rows, and say since when; where some rows are needed,
    delete the others in batches.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[truncated-table] rows not needed since release 4.2
    TRUNCATE recipe;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[truncated-table] rows not needed since release 4.2
    op.execute("TRUNCATE recipe")
    ```

    ## When it is safe

    Once nobody needs the rows, and on a table that the same migration creates.

    ## References

    - PostgreSQL manual, "TRUNCATE"
    """
    cascading = [each.event for each in cascading_truncates(context)]
    for event, action in context.events(Truncate):
        if context.is_new(event, action.table) or any(event is each for each in cascading):
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'truncating "{table}" loses its rows for good',
            why=(
                "all rows of it are gone when the transaction commits; TRUNCATE holds ACCESS "
                f"EXCLUSIVE on {tables}: all reads and writes wait until then"
            ),
            remedy=truncate_later(action, context.rule),
        )
