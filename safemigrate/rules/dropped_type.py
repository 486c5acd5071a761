"""Dropping a type that running code still casts to."""

from collections.abc import Iterator

from safemigrate.model import DropObject, Event, Finding, QualifiedName, Severity
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

__all__ = ["dropped_type"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_type(context: Context) -> Iterator[Finding]:
    """Dropping a type breaks the code that still casts to it, drivers included.

    ## What it does

    Finds `DROP TYPE` and `DROP DOMAIN` in an upgrade, of one that was there before the migration,
    unless the migration makes another of that name, or has dropped the columns of the type: those
    are found by themselves, and `CASCADE` by unknown-cascade.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs. Drivers and SQLAlchemy cast to an enum
    by its name, `$1::mood`, also where no query writes it, and connections remember the type's
    number: all of that fails from the moment of the commit.

    ## Example

    ```sql
    DROP TYPE mood;
    ```

    ## Use instead

    Take the type out of the code and its models, deploy that everywhere, and drop it in a later
    release.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-type] unused since release 4.2
    DROP TYPE mood;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-type] unused since release 4.2
    op.execute("DROP TYPE mood")
    ```

    ## When it is safe

    Once no running release uses the type, and on one that the same migration creates.
    With `IF EXISTS`, one that the history does not show is found with low confidence.

    ## References

    - PostgreSQL manual, "DROP TYPE"
    """
    for event, action in context.events(DropObject):
        kind, name = action.kind, event.before.resolve(action.name)
        if kind not in {"TYPE", "DOMAIN"} or action.is_cascade:
            continue
        if is_new_object(context, event, kind, name):
            continue
        if is_there_after(context, event, kind, name) or _went_with_columns(context, event, name):
            continue
        yield context.finding(
            event,
            f'dropping {kind.lower()} "{name}" breaks code that still casts to it',
            why="the release that runs meanwhile, and its driver, still name the type",
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="stop using it, deploy that everywhere, and drop it in a later release",
                reason="unused since release <version>",
                when="in a release after the one that stops using it",
            ),
            confidence=confidence_of_drop(event, action),
        )


def _went_with_columns(context: Context, event: Event, name: QualifiedName) -> bool:
    """Return whether the migration has dropped every column of the type before."""
    before = context.passage.before
    had = [
        (table.identity, column.name)
        for table in before.tables.values()
        for column in table.columns.values()
        if column.type is not None and name in before.types_under(column.type)
    ]
    left = {
        (table.identity, column)
        for table in event.before.tables.values()
        for column in table.columns
    }
    return bool(had) and left.isdisjoint(had)
