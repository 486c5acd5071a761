"""Waiting for a table without a limit."""

from collections.abc import Iterator

from safemigrate.model import Finding, LockMode, Severity
from safemigrate.recipes import limit_by_timeout
from safemigrate.rulekit import Context, Family, name_locked_tables, rule, without_timeout

__all__ = ["missing_lock_timeout"]


@rule(family=Family.TRANSACTIONS, severity=Severity.WARNING, since="0.1.0", is_default=False)
def missing_lock_timeout(context: Context) -> Iterator[Finding]:
    """Waiting for a lock without a limit makes everybody wait behind the migration.

    ## What it does

    Finds the first statement of each transaction that waits for SHARE or a stronger lock on a table
    that was there before the migration, while no `lock_timeout` is in force.
    `SET LOCAL` outside a transaction, the value 0 and `RESET` put none in force; what env.py sets
    for the session is, and what an earlier migration has set there is not.
    The rule is off unless it is selected, because `safemigrate upgrade` sets `lock_timeout` itself
    and tries again; select it where something else runs the migrations.

    ## Why is this unsafe?

    A change that is over in a millisecond first waits for its lock, and one long SELECT is enough
    to hold it up. Everybody who comes for the table later waits behind it, in one queue.
    With a `lock_timeout` the migration gives up instead, and the queue goes on.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ## Use instead

    ```sql
    SET lock_timeout = '2s';
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.add_column("recipe", sa.Column("origin", sa.Text()))
    ```

    ## When it is safe

    Where what runs the migration sets `lock_timeout`, as `safemigrate upgrade` does, or the role it
    connects as has one. On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "Client Connection Defaults", `lock_timeout`
    - PostgreSQL manual, "Explicit Locking", Table-Level Locks
    """
    for event in without_timeout(context, "lock_timeout"):
        tables = name_locked_tables(event, LockMode.SHARE)
        yield context.finding(
            event,
            f"waiting for {tables} has no limit",
            why=(
                f"as long as one transaction uses {tables}, this waits for its lock, and whoever "
                "comes later waits behind it; no lock_timeout ends that"
            ),
            remedy=limit_by_timeout(
                "lock_timeout", "2s", is_local=event.statement.transaction is not None
            ),
        )
