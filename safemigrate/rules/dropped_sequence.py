"""Dropping a sequence that running code still draws from."""

from collections.abc import Iterator

from safemigrate.model import DropObject, Finding, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    confidence_of_drop,
    is_new_object,
    is_there_after,
    rule,
)

__all__ = ["dropped_sequence"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_sequence(context: Context) -> Iterator[Finding]:
    """Dropping a sequence breaks the code that still draws numbers from it.

    ## What it does

    Finds `DROP SEQUENCE` in an upgrade, of a sequence that was there before the migration, unless
    the migration makes another of that name. `CASCADE` is found by unknown-cascade.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs, and its `nextval('…')` fails from the
    moment of the commit. How far the sequence had counted is gone, and a downgrade that makes it
    anew begins at 1 again, with numbers that were given out before.
    DROP SEQUENCE takes ACCESS EXCLUSIVE on the sequence: `nextval` waits meanwhile.

    ## Example

    ```sql
    DROP SEQUENCE order_number;
    ```

    ## Use instead

    Take the sequence out of the code, deploy that everywhere, and drop it in a later release.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-sequence] unused since release 4.2
    DROP SEQUENCE order_number;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-sequence] unused since release 4.2
    op.execute("DROP SEQUENCE order_number")
    ```

    ## When it is safe

    Once no running release draws from it, and on one that the same migration creates.
    With `IF EXISTS`, one that the history does not show is found with low confidence.

    ## References

    - PostgreSQL manual, "DROP SEQUENCE"
    - PostgreSQL manual, "Sequence Manipulation Functions"
    """
    for event, action in context.events(DropObject):
        kind, name = action.kind, event.before.resolve(action.name)
        if kind != "SEQUENCE" or action.is_cascade or is_new_object(context, event, kind, name):
            continue
        if is_there_after(context, event, kind, name):
            continue
        yield context.finding(
            event,
            f'dropping sequence "{name}" breaks code that still draws from it',
            why=(
                "nextval() fails in the release that runs meanwhile, and how far the sequence had "
                "counted is gone"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="stop using it, deploy that everywhere, and drop it in a later release",
                reason="unused since release <version>",
                when="in a release after the one that stops using it",
            ),
            confidence=confidence_of_drop(event, action),
        )
