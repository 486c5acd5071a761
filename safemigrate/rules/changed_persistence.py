"""A table that is written anew to be logged, or not to be."""

from collections.abc import Iterator

from safemigrate.model import Finding, Persistence, SetPersistence, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import Context, Family, rule

__all__ = ["changed_persistence"]


@rule(family=Family.REWRITES, severity=Severity.ERROR, since="0.1.0")
def changed_persistence(context: Context) -> Iterator[Finding]:
    """Making a table logged or unlogged writes it anew with everybody shut out.

    ## What it does

    Finds `SET LOGGED` and `SET UNLOGGED` of a table that was there before the migration, and is
    not known to be so already.

    ## Why is this unsafe?

    The table and its indexes are copied under ACCESS EXCLUSIVE: all reads and writes wait for as
    long as the table is big. An unlogged table is empty after a crash, and always empty on a
    standby.

    ## Example

    ```sql
    ALTER TABLE recipe SET UNLOGGED;
    ```

    ## Use instead

    Create a table as it should be, keep both in step by a trigger, copy the rows in batches, and
    swap the names. Or do it when nobody needs the table:

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[changed-persistence] nobody needs it between 2 and 3
    ALTER TABLE recipe SET UNLOGGED;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[changed-persistence] nobody needs it between 2 and 3
    op.execute("ALTER TABLE recipe SET UNLOGGED")
    ```

    ## When it is safe

    On a table that the same migration creates, and one that is so already.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET LOGGED
    - PostgreSQL manual, "CREATE TABLE", UNLOGGED
    """
    for event, action in context.events(SetPersistence):
        table = event.before.table(action.table)
        is_so = table is not None and table.persistence is action.persistence
        if is_so or context.is_new(event, action.table):
            continue
        name = event.before.resolve(action.table)
        is_lost = action.persistence is Persistence.UNLOGGED
        lost = "; after a crash it is empty" if is_lost else ""
        word = "unlogged" if is_lost else "logged"
        yield context.finding(
            event,
            f'making "{name}" {word} writes it anew with everybody shut out',
            why=(
                f"ACCESS EXCLUSIVE on {name} is held while every row is copied: all reads and "
                f"writes wait{lost}"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="copy it in batches to a table that is so from the start, and swap the "
                "names; or do it when nobody needs it",
                reason="nobody needs it at this time",
            ),
        )
