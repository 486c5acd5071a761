"""A limit that is too long to help."""

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

__all__ = ["long_lock_timeout"]

_LONGEST = 5_000  # milliseconds


@rule(family=Family.TRANSACTIONS, severity=Severity.INFO, since="0.1.0", is_default=False)
def long_lock_timeout(context: Context) -> Iterator[Finding]:
    """A long lock_timeout lets everybody wait that long behind the migration.

    ## What it does

    Finds migrations that set `lock_timeout` to more than 5 seconds, and then wait for SHARE or a
    stronger lock on a table that was there before.
    The rule is off unless it is selected, because how long is too long depends on the application.

    ## Why is this unsafe?

    While the migration waits for a lock, everybody who comes for the table waits behind it.
    So `lock_timeout` is how long the application may stand still at each attempt, and it should be
    shorter than what its users and its own timeouts bear.

    ## Example

    ```sql
    SET lock_timeout = '1min';
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ## Use instead

    A short limit, and more attempts.

    ```sql
    SET lock_timeout = '2s';
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    ```

    ## When it is safe

    Where nothing but weaker locks is waited for, as in `CREATE INDEX CONCURRENTLY`, and where all
    tables are ones that the same migration creates.

    ## References

    - PostgreSQL manual, "Client Connection Defaults", `lock_timeout`
    """
    if not any(context.events(SetVariable)):
        return
    told: Event | None = None
    for at in follow_setting(context, "lock_timeout"):
        if at.setter is None or at.setter is told or not waits_for_table(at.event):
            continue
        if (read_milliseconds(at.value) or 0) <= _LONGEST:
            continue
        told = at.setter
        tables = name_locked_tables(at.event, LockMode.SHARE)
        yield context.finding(
            at.setter,
            f"a lock_timeout of {at.value} lets everybody wait that long",
            why=(
                f"while the migration waits for {tables}, whoever comes later waits behind it, up "
                "to the limit at each attempt"
            ),
            remedy=limit_by_timeout(
                "lock_timeout", "2s", is_local=at.setter.statement.transaction is not None
            ),
        )
