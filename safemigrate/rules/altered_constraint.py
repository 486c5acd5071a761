"""A constraint that is tested later than before, or not at all."""

from collections.abc import Iterator

from safemigrate.model import AlterConstraint, Finding, LockMode, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["altered_constraint"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def altered_constraint(context: Context) -> Iterator[Finding]:
    """Changing when a constraint is tested surprises the code that relies on it.

    ## What it does

    Finds `ALTER CONSTRAINT … DEFERRABLE`, `NOT DEFERRABLE`, `INITIALLY …` and, from 18 on,
    `NOT ENFORCED`, of a constraint that was there before the migration.

    ## Why is this unsafe?

    A deferred constraint fails at COMMIT, where running code expects no error; one that is no
    longer deferrable fails in the middle of what used to work. With `NOT ENFORCED` rows come in
    that reference nothing, and must be repaired before it can be enforced again.
    The statement takes ACCESS EXCLUSIVE on the table, and may lock the referenced one as well.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER CONSTRAINT recipe_cook_fkey DEFERRABLE INITIALLY DEFERRED;
    ```

    ## Use instead

    Deploy code that expects it first.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[altered-constraint] expected since release 4.2
    ALTER TABLE recipe ALTER CONSTRAINT recipe_cook_fkey DEFERRABLE INITIALLY DEFERRED;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[altered-constraint] expected since release 4.2
    op.execute("ALTER TABLE recipe ALTER CONSTRAINT recipe_cook_fkey DEFERRABLE INITIALLY DEFERRED")
    ```

    ## When it is safe

    Once every running release expects it. Nothing is found for a constraint or table that the same
    migration creates. `ENFORCED` is found by `enforced-constraint-scan`.

    ## References

    - PostgreSQL manual, "ALTER TABLE", ALTER CONSTRAINT
    - PostgreSQL manual, "SET CONSTRAINTS"
    """
    for event, action in context.events(AlterConstraint):
        is_new = context.is_new_constraint(event, action.table, action.name)
        if action.is_enforced or is_new or context.is_new(event, action.table):
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.SHARE_ROW_EXCLUSIVE)
        is_when = action.is_enforced is None
        change = "changes when it is tested" if is_when else "stops it from being tested"
        yield context.finding(
            event,
            f'altering constraint "{action.name}" of "{table}" {change}',
            why=(
                "the release that runs meanwhile relies on what it was; ALTER CONSTRAINT waits for "
                f"{tables}, and reads and writes wait behind it"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="deploy code that expects it, and change it in a later release",
                reason="expected since release <version>",
                when="in a release after the one that expects it",
            ),
        )
