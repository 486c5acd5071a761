"""Dropping a function that running code still calls."""

from collections.abc import Iterator

from safemigrate.model import DropObject, Event, Finding, Function, NoTableAction, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import (
    ROUTINES,
    UPGRADE_ONLY,
    Context,
    Family,
    confidence_of_drop,
    is_new_object,
    rule,
)

__all__ = ["dropped_routine"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_routine(context: Context) -> Iterator[Finding]:
    """Dropping a function or procedure breaks the code that still calls it.

    ## What it does

    Finds `DROP FUNCTION`, `DROP PROCEDURE`, `DROP ROUTINE` and `DROP AGGREGATE` in an upgrade, of
    one that was there before the migration, unless the migration makes another that takes the same
    calls. `CASCADE` is found by unknown-cascade.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs, and each of its calls fails from the
    moment of the commit. The same happens where a function is made again with one more argument
    that has no default. Bodies of other functions that call it fail when they run, not now.

    ## Example

    ```sql
    DROP FUNCTION price(bigint);
    ```

    ## Use instead

    Take the calls out of the code, deploy that everywhere, and drop it in a later release. A new
    argument gets a default, or the function with it another name.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-routine] not called since release 4.2
    DROP FUNCTION price(bigint);
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-routine] not called since release 4.2
    op.execute("DROP FUNCTION price(bigint)")
    ```

    ## When it is safe

    Once no running release calls it, and on one that the same migration creates.
    With `IF EXISTS`, one that the history does not show is found with low confidence.

    ## References

    - PostgreSQL manual, "DROP FUNCTION"
    """
    for event, action in context.events(DropObject):
        if action.kind not in ROUTINES or action.is_cascade:
            continue
        if is_new_object(context, event, action.kind, action.name):
            continue
        if _is_made_again(context, event, action):
            continue
        yield context.finding(
            event,
            f'dropping {action.kind.lower()} "{event.before.resolve(action.name)}" breaks code '
            "that still calls it",
            why="the calls of the release that runs meanwhile fail from the moment of the commit",
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="stop calling it, deploy that everywhere, and drop it in a later release",
                reason="not called since release <version>",
                when="in a release after the one that stops calling it",
            ),
            confidence=confidence_of_drop(event, action),
        )


def _is_made_again(context: Context, event: Event, action: DropObject) -> bool:
    """Return whether one that takes the same calls is there when the migration has run."""
    if action.kind == "AGGREGATE":
        # Which CREATE makes which aggregate is not known.
        return any(made.kind == "CREATE" for _, made in context.events(NoTableAction))
    name = event.before.resolve(action.name)
    old, new = event.before.functions.get(name, ()), context.passage.after.functions.get(name, ())
    if len(old) != 1:
        # Which of several is dropped is not known.
        return bool(new)
    return any(_takes_calls_of(old[0], each) for each in new)


def _takes_calls_of(old: Function, new: Function) -> bool:
    before, after = old.definition, new.definition
    is_same = after.arguments[: len(before.arguments)] == before.arguments
    fewest = len(after.arguments) - after.optional_arguments
    return is_same and fewest <= len(before.arguments) - before.optional_arguments
