"""Taking away the limit of a wait."""

from collections.abc import Iterator

from safemigrate.model import Event, Finding, LockMode, SetVariable, Severity
from safemigrate.recipes import limit_by_timeout
from safemigrate.rulekit import (
    Context,
    Family,
    follow_setting,
    name_locked_tables,
    read_milliseconds,
    rule,
    waits_for_table,
)

__all__ = ["disabled_lock_timeout"]


@rule(family=Family.TRANSACTIONS, severity=Severity.WARNING, since="0.1.0")
def disabled_lock_timeout(context: Context) -> Iterator[Finding]:
    """Switching lock_timeout off makes everybody wait behind what the migration then waits for.

    ## What it does

    Finds `SET lock_timeout = 0` and `RESET lock_timeout` where the migration goes on to wait for
    SHARE or a stronger lock on a table that was there before.

    ## Why is this unsafe?

    `safemigrate upgrade`, or whoever runs the migrations, has put a limit to every wait; this takes
    it away. From then on one long SELECT holds the migration up, and the migration holds up
    everybody who comes for the table later.

    ## Example

    ```sql
    SET lock_timeout = 0;
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ## Use instead

    ```sql
    SET lock_timeout = '2s';
    ALTER TABLE recipe ADD COLUMN origin text;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.add_column("recipe", sa.Column("origin", sa.Text()))
    ```

    ## When it is safe

    At the end, and where nothing but weaker locks is waited for: building an index concurrently
    should not be cut short. Where the table is one that the same migration creates.
    `RESET lock_timeout` that takes back a SET of the same migration is not found.

    ## References

    - PostgreSQL manual, "Client Connection Defaults", `lock_timeout`
    """
    if not any(context.events(SetVariable)):
        return
    told: Event | None = None
    for at in follow_setting(context, "lock_timeout"):
        off = at.setter
        if off is None or off is told or read_milliseconds(at.value):
            continue
        if not waits_for_table(at.event):
            continue
        told = off
        tables = name_locked_tables(at.event, LockMode.SHARE)
        yield context.finding(
            off,
            f"without a lock_timeout, the migration then waits for {tables}",
            why=(
                f"as long as one transaction uses {tables}, the statement on line "
                f"{at.event.statement.span.line} waits, and whoever comes later waits behind it"
            ),
            remedy=limit_by_timeout(
                "lock_timeout", "2s", is_local=off.statement.transaction is not None
            ),
        )
