"""A materialized view that is shut while it is filled."""

from collections.abc import Iterator

from safemigrate.model import Finding, RefreshView, Severity
from safemigrate.recipes import leave_unfixed, refresh_concurrently
from safemigrate.rulekit import Context, Family, rule

__all__ = ["non_concurrent_refresh"]

_UNFILLED = "CONCURRENTLY is refused where the view was never filled, which nothing here shows"


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def non_concurrent_refresh(context: Context) -> Iterator[Finding]:
    """Refreshing a materialized view keeps all its readers waiting while its query runs.

    ## What it does

    Finds `REFRESH MATERIALIZED VIEW` without `CONCURRENTLY`, of a view that was there before the
    migration.

    ## Why is this unsafe?

    The view is held under ACCESS EXCLUSIVE from before its query begins until the transaction
    ends: every SELECT from it waits for as long as the query takes.

    ## Example

    ```sql
    REFRESH MATERIALIZED VIEW menu;
    ```

    ## Use instead

    The view needs a unique index over columns, without a predicate. CONCURRENTLY may run in a
    transaction here.

    ```sql
    CREATE UNIQUE INDEX CONCURRENTLY menu_id_key ON menu (id);
    REFRESH MATERIALIZED VIEW CONCURRENTLY menu;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index("menu_id_key", "menu", ["id"], unique=True, postgresql_concurrently=True)
    op.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY menu")
    ```

    ## When it is safe

    For a view created in the same migration, with `WITH NO DATA`, and the first time that a view
    is filled, when nobody can read it yet and CONCURRENTLY is refused.

    ## References

    - PostgreSQL manual, "REFRESH MATERIALIZED VIEW"
    """
    for event, action in context.events(RefreshView):
        is_new = context.is_new(event, action.view)
        if action.is_concurrent or action.has_no_data or is_new:
            continue
        view = event.before.resolve(action.view)
        yield context.finding(
            event,
            f'refreshing "{view}" shuts its readers out while its query runs',
            why=f"ACCESS EXCLUSIVE on {view} is held until the transaction ends: every SELECT from "
            "it waits",
            remedy=refresh_concurrently(action, event.before, context.rule),
            fix=leave_unfixed(event.statement.sql, _UNFILLED),
        )
