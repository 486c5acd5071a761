"""A table that becomes, or stops being, a child of another one."""

from collections.abc import Iterator

from safemigrate.model import Finding, SetInheritance, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["changed_inheritance"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def changed_inheritance(context: Context) -> Iterator[Finding]:
    """Changing a table's parent changes which rows the queries on the parent find.

    ## What it does

    Finds `INHERIT` and `NO INHERIT` between tables that were there before the migration.

    ## Why is this unsafe?

    Every SELECT, UPDATE and DELETE on the parent reaches the rows of its children, unless it says
    `ONLY`: from the commit on, running code finds rows, or misses them, that it did not.
    The child is held under ACCESS EXCLUSIVE until the transaction ends: all its readers and writers
    wait.

    ## Example

    ```sql
    ALTER TABLE old_recipe INHERIT recipe;
    ```

    ## Use instead

    Deploy code that expects it first. For parts of one big table, use partitions.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[changed-inheritance] expected since release 4.2
    ALTER TABLE old_recipe INHERIT recipe;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[changed-inheritance] expected since release 4.2
    op.execute("ALTER TABLE old_recipe INHERIT recipe")
    ```

    ## When it is safe

    Where one of the two tables is created by the same migration.

    ## References

    - PostgreSQL manual, "ALTER TABLE", INHERIT
    - PostgreSQL manual, "Inheritance", Caveats
    """
    for event, action in context.events(SetInheritance):
        if context.is_new(event, action.table) or context.is_new(event, action.parent):
            continue
        child = event.before.resolve(action.table)
        parent = event.before.resolve(action.parent)
        verb, change = ("leaves", "no longer find") if action.is_ended else ("joins", "find")
        yield context.finding(
            event,
            f'"{child}" {verb} "{parent}", whose queries {change} its rows',
            why=(
                "the release that runs meanwhile does not expect it; ACCESS EXCLUSIVE on "
                f"{child} is held until the transaction ends: all reads and writes there wait"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="deploy code that expects it, and change it in a later release",
                reason="expected since release <version>",
                when="in a release after the one that expects it",
            ),
        )
