"""A trigger on a table in use."""

from collections.abc import Iterator

from safemigrate.model import CreateTrigger, Finding, LockMode, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["new_trigger"]


@rule(
    family=Family.LOCKS,
    severity=Severity.WARNING,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def new_trigger(context: Context) -> Iterator[Finding]:
    """Every write to the table runs a new trigger from then on, also those of the old release.

    ## What it does

    Finds `CREATE TRIGGER` and `CREATE CONSTRAINT TRIGGER` on a table that was there before the
    migration. `CREATE OR REPLACE TRIGGER` counts as well.
    It is off by default: a trigger that keeps an old and a new column in step is how they are
    swapped safely.

    ## Why is this unsafe?

    An error in the function fails every write, and its time is added to each. Code that never heard
    of the trigger finds rows changed under its hands.
    The statement takes SHARE ROW EXCLUSIVE on the table and its partitions until the transaction
    ends: INSERT, UPDATE, DELETE and MERGE wait.

    ## Example

    ```sql
    CREATE TRIGGER recipe_touch BEFORE UPDATE ON recipe
        FOR EACH ROW EXECUTE FUNCTION touch();
    ```

    ## Use instead

    In a migration that does nothing else, behind a short lock_timeout, when the running release is
    known to bear it:

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[new-trigger] writes of release 4.2 were tried with it
    CREATE TRIGGER recipe_touch BEFORE UPDATE ON recipe
        FOR EACH ROW EXECUTE FUNCTION touch();
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[new-trigger] writes of release 4.2 were tried with it
    op.execute(
        "CREATE TRIGGER recipe_touch BEFORE UPDATE ON recipe FOR EACH ROW EXECUTE FUNCTION touch()"
    )
    ```

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "CREATE TRIGGER", Notes
    - PostgreSQL manual, "Explicit Locking", Table-Level Locks
    """
    for event, action in context.events(CreateTrigger):
        if context.is_new(event, action.table):
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.SHARE_ROW_EXCLUSIVE)
        yield context.finding(
            event,
            f'trigger "{action.name}" runs at the writes to "{table}" from now on',
            why=(
                f"SHARE ROW EXCLUSIVE on {tables} keeps writers waiting until the transaction "
                "ends; then the release that runs meanwhile writes through the trigger"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="try the writes of the running release with it, and create it behind a "
                "short lock_timeout",
                reason="writes of release <version> were tried with it",
                when="in a migration that does nothing else",
            ),
        )
