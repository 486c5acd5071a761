"""Dropping a view that running code still reads."""

from collections.abc import Iterator

from safemigrate.model import (
    CreateTable,
    CreateView,
    DropView,
    Event,
    Finding,
    LockMode,
    QualifiedName,
    Severity,
)
from safemigrate.recipes import drop_view_later
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    doubt_of_missing,
    name_locked_tables,
    rule,
)

__all__ = ["dropped_view"]


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_view(context: Context) -> Iterator[Finding]:
    """Dropping a view breaks the code that still reads it.

    ## What it does

    Finds `DROP VIEW` and `DROP MATERIALIZED VIEW` in an upgrade, of a view that was there before
    the migration and is not made again in the same transaction.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs, and every statement of its that names
    the view fails from the moment of the commit.
    `DROP VIEW` takes ACCESS EXCLUSIVE on the view, and with CASCADE on the views that read it.

    ## Example

    ```sql
    DROP VIEW menu;
    ```

    ## Use instead

    Take the view out of the code, deploy that everywhere, and drop the view in a later release,
    saying which one made it unused.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-view] unused since release 4.2
    DROP VIEW menu;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-view] unused since release 4.2
    op.execute("DROP VIEW menu")
    ```

    ## When it is safe

    Once no running release reads the view. When the same transaction makes a view or table of the
    same name, nothing is found, nor on a view that the same migration creates.
    With `IF EXISTS`, a view that the history does not show is found with low confidence.

    ## References

    - PostgreSQL manual, "DROP VIEW"
    """
    for event, action in context.events(DropView):
        view = event.before.resolve(action.view)
        if context.is_new(event, action.view) or _is_made_again(context, event, view):
            continue
        is_shown = event.before.table(action.view) is not None
        views = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'dropping view "{view}" breaks code that still reads it',
            why=doubt_of_missing(action, is_shown=is_shown)
            + (
                "the release that runs meanwhile still selects from it; DROP VIEW holds ACCESS "
                f"EXCLUSIVE on {views} until the transaction ends"
            ),
            remedy=drop_view_later(action, context.rule),
        )


def _is_made_again(context: Context, event: Event, view: QualifiedName) -> bool:
    """Return whether the same transaction makes something of the name afterwards."""
    transaction, ordinal = event.statement.transaction, event.statement.ordinal
    for later, action in context.events(CreateView, CreateTable):
        is_same = transaction is not None and later.statement.transaction == transaction
        if is_same and later.statement.ordinal > ordinal:
            name = action.view if isinstance(action, CreateView) else action.table
            if later.before.resolve_new(name) == view:
                return True
    return False
