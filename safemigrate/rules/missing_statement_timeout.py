"""Running under a strong lock without a limit."""

from collections.abc import Iterator

from safemigrate.model import Finding, LockMode, Severity
from safemigrate.recipes import limit_by_timeout
from safemigrate.rulekit import Context, Family, name_locked_tables, rule, without_timeout

__all__ = ["missing_statement_timeout"]


@rule(family=Family.TRANSACTIONS, severity=Severity.INFO, since="0.1.0", is_default=False)
def missing_statement_timeout(context: Context) -> Iterator[Finding]:
    """A statement without a time limit shuts its table for as long as it happens to take.

    ## What it does

    Finds the first statement of each transaction that takes SHARE or a stronger lock on a table
    that was there before the migration, while no `statement_timeout` is in force.
    `SET LOCAL` outside a transaction, the value 0 and `RESET` put none in force; what env.py sets
    for the session is, and what an earlier migration has set there is not.
    The rule is off unless it is selected.

    ## Why is this unsafe?

    `lock_timeout` limits the wait for a lock, and nothing of what comes then.
    A statement that turns out to read or write the whole table keeps it shut until it is done, or
    until somebody notices.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN name SET NOT NULL;
    ```

    ## Use instead

    ```sql
    SET statement_timeout = '10s';
    ALTER TABLE recipe ALTER COLUMN name SET NOT NULL;
    ```

    ```python
    op.execute("SET LOCAL statement_timeout = '10s'")
    op.alter_column("recipe", "name", nullable=False)
    ```

    ## When it is safe

    Where the role that runs the migrations has a `statement_timeout`.
    Not for `CREATE INDEX CONCURRENTLY`, which leaves an invalid index when it is ended; it is not
    found. On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "Client Connection Defaults", `statement_timeout`
    """
    for event in without_timeout(context, "statement_timeout"):
        tables = name_locked_tables(event, LockMode.SHARE)
        yield context.finding(
            event,
            f"nothing limits how long {tables} may stay locked",
            why=(
                "however long this takes, those who wait for its lock wait as long; no "
                "statement_timeout ends it"
            ),
            remedy=limit_by_timeout(
                "statement_timeout", "10s", is_local=event.statement.transaction is not None
            ),
        )
