"""A trigger that does nothing while it should."""

from collections.abc import Iterator

from safemigrate.model import Event, Finding, SetTriggerState, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    number_transaction,
    rule,
)

__all__ = ["disabled_trigger"]


@rule(family=Family.DATA_LOSS, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def disabled_trigger(context: Context) -> Iterator[Finding]:
    """While a trigger is disabled, rows are written past what it keeps right.

    ## What it does

    Finds `DISABLE TRIGGER` on a table that was there before the migration, with a name, `USER` or
    `ALL`. A trigger that the same transaction enables again is not found: nobody else writes
    meanwhile. `ALL` is found even then, for it takes in the triggers of foreign keys.

    ## Why is this unsafe?

    What the trigger does for each row is not done, and is not made up for when it is enabled again:
    copies and audit rows are missing for good. With `ALL`, foreign keys are not checked, and
    enabling them checks nothing: rows that reference nothing stay.

    ## Example

    ```sql
    ALTER TABLE recipe DISABLE TRIGGER ALL;
    ```

    ## Use instead

    Disable the one trigger by its name, in one transaction with the writes it should not see.

    ```sql
    BEGIN;
    ALTER TABLE recipe DISABLE TRIGGER recipe_touch;
    UPDATE recipe SET name = 'soup' WHERE id = 1;
    ALTER TABLE recipe ENABLE TRIGGER recipe_touch;
    COMMIT;
    ```

    ```python
    # one revision is one transaction
    op.execute("ALTER TABLE recipe DISABLE TRIGGER recipe_touch")
    op.execute("UPDATE recipe SET name = 'soup' WHERE id = 1")
    op.execute("ALTER TABLE recipe ENABLE TRIGGER recipe_touch")
    ```

    ## When it is safe

    Where nothing relies on the trigger any more; then drop it. On a table that the same migration
    creates nothing is found.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DISABLE TRIGGER
    """
    events = list(context.events(SetTriggerState))
    for number, (event, action) in enumerate(events):
        if action.is_enabled or action.is_rule or context.is_new(event, action.table):
            continue
        rest = events[number + 1 :]
        if not action.is_internal and any(_restores(event, action, *each) for each in rest):
            continue
        table = event.before.resolve(action.table)
        what = "all triggers" if action.name is None else f'trigger "{action.name}"'
        keys = ", and foreign keys are not checked" if action.is_internal else ""
        yield context.finding(
            event,
            f'rows are written past {what} of "{table}"{keys}',
            why="what is not done for a row meanwhile is not made up for when it is enabled again",
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="enable it again in the same transaction, or wait until no release relies "
                "on it",
                reason="not relied on since release <version>",
                when="where nothing relies on it",
            ),
        )


def _restores(event: Event, off: SetTriggerState, later: Event, on: SetTriggerState) -> bool:
    """Return whether `on` enables what `off` disables before anybody else can write."""
    is_same = later.before.resolve(on.table) == event.before.resolve(off.table)
    is_apart = number_transaction(event) != number_transaction(later)
    if not on.is_enabled or not is_same or is_apart or event.statement.transaction is None:
        return False
    return on.name is None or on.name == off.name
