"""A trigger that running code relies on, and is gone."""

from collections.abc import Iterator

from safemigrate.model import (
    CreateTrigger,
    DropTrigger,
    Event,
    Finding,
    LockMode,
    Severity,
)
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["dropped_trigger"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_trigger(context: Context) -> Iterator[Finding]:
    """Dropping a trigger stops what running code relies on, and nobody is told.

    ## What it does

    Finds `DROP TRIGGER` in an upgrade, from a table that was there before the migration, unless the
    migration creates a trigger of that name before or afterwards.

    ## Why is this unsafe?

    What it kept in step is no longer kept: copies grow old, audit rows are missing, and what was
    forbidden comes in. No statement fails, and what is missing cannot be made up for later.
    DROP TRIGGER takes ACCESS EXCLUSIVE on the table: all reads and writes wait until the
    transaction ends.

    ## Example

    ```sql
    DROP TRIGGER recipe_touch ON recipe;
    ```

    ## Use instead

    Take what relies on it out of the code, deploy that everywhere, and drop it in a later release.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-trigger] not relied on since release 4.2
    DROP TRIGGER recipe_touch ON recipe;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-trigger] not relied on since release 4.2
    op.execute("DROP TRIGGER recipe_touch ON recipe")
    ```

    ## When it is safe

    Once no running release relies on it, and when the same migration replaces it. A table created
    in the same migration, or dropped by it, is not looked at.

    ## References

    - PostgreSQL manual, "DROP TRIGGER"
    """
    made = [_key(event, action) for event, action in context.events(CreateTrigger)]
    for event, action in context.events(DropTrigger):
        if context.is_new(event, action.table) or _key(event, action) in made:
            continue
        before, after = event.before.table(action.table), context.passage.after
        if before is not None and after.by_identity(before.identity) is None:
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'dropping trigger "{action.name}" of "{table}" stops what code may rely on',
            why=(
                "the release that runs meanwhile counts on what it does; DROP TRIGGER holds ACCESS "
                f"EXCLUSIVE on {tables}: all reads and writes wait until the transaction ends"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="stop relying on it, deploy that everywhere, and drop it in a later release",
                reason="not relied on since release <version>",
                when="in a release after the one that stops relying on it",
            ),
        )


def _key(event: Event, action: CreateTrigger | DropTrigger) -> tuple[object, str]:
    return event.before.resolve(action.table), action.name
