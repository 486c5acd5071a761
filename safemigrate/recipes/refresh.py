"""Refresh a materialized view while it is read."""

from safemigrate.model import Catalog, RefreshView, Remedy
from safemigrate.recipes.quiet_hour import run_in_quiet_hour
from safemigrate.recipes.steps import sql_step, write_steps
from safemigrate.sql import quote_name

__all__ = ["refresh_concurrently"]


def refresh_concurrently(action: RefreshView, catalog: Catalog, rule: str) -> Remedy:
    """Return REFRESH with CONCURRENTLY; as it is, at another time, where no unique index is known.

    Manual: "REFRESH MATERIALIZED VIEW", CONCURRENTLY: a unique index over columns, not
    expressions, of all rows; it may run in a transaction.
    """
    view = quote_name(action.view)
    has_key = any(
        index.is_unique and index.predicate is None and None not in index.columns
        for index in catalog.indexes_of(action.view)
    )
    if has_key:
        sql = f"REFRESH MATERIALIZED VIEW CONCURRENTLY {view}"
        return write_steps("refresh it concurrently", [sql_step(sql)])
    return run_in_quiet_hour(
        f"REFRESH MATERIALIZED VIEW {view}",
        rule,
        advice="build a unique index over columns of the view concurrently, and refresh it "
        "CONCURRENTLY from then on; or refresh it when nobody reads it",
        reason="nobody reads it at this time",
        when="when nobody reads it",
    )
