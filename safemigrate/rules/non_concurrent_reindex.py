"""An index built anew with the table shut to writers."""

from collections.abc import Iterator

from safemigrate.model import Event, Finding, QualifiedName, Reindex, ReindexKind, Severity
from safemigrate.recipes import leave_unfixed, reindex_concurrently
from safemigrate.rulekit import Context, Family, rule

__all__ = ["non_concurrent_reindex"]

_LEFT = "one that fails leaves an INVALID index beside it, which nothing takes away by itself"


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def non_concurrent_reindex(context: Context) -> Iterator[Finding]:
    """Building an index anew keeps all writers waiting, and most readers too.

    ## What it does

    Finds `REINDEX` without `CONCURRENTLY` of tables that were there before the migration, or of a
    whole schema or database.

    ## Why is this unsafe?

    REINDEX takes SHARE on the table, so that INSERT, UPDATE, DELETE and MERGE wait, and ACCESS
    EXCLUSIVE on the index. Every query on the table looks at all its indexes to be planned, and so
    SELECT waits as well, for as long as the table is read.

    ## Example

    ```sql
    REINDEX INDEX recipe_name_idx;
    ```

    ## Use instead

    ```sql
    REINDEX INDEX CONCURRENTLY recipe_name_idx;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.execute("REINDEX INDEX CONCURRENTLY recipe_name_idx")
    ```

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "REINDEX", Rebuilding Indexes Concurrently
    """
    for event, action in context.events(Reindex):
        if action.is_concurrent or _is_new(context, event, action):
            continue
        name = action.relation
        found = None if name is None else event.before.resolve(name)
        what = "every index of the database"
        if action.schema is not None:
            what = f'every index of schema "{action.schema}"'
        where = "each of its tables"
        if found is not None:
            part = "" if action.kind is ReindexKind.INDEX else "the indexes of "
            what = f'{part}"{found}"'
            where = str(_table(event, action) or "its table")
        yield context.finding(
            event,
            f"building {what} anew keeps everybody waiting",
            why=(
                f"SHARE on {where} keeps INSERT, UPDATE, DELETE and MERGE out, and ACCESS "
                "EXCLUSIVE on the index every SELECT, until the index is built"
            ),
            remedy=reindex_concurrently(action, event.statement.sql),
            fix=leave_unfixed(event.statement.sql, _LEFT),
        )


def _table(event: Event, action: Reindex) -> QualifiedName | None:
    """Return the table whose indexes are built, None where it is not known."""
    if action.relation is None:
        return None
    if action.kind is not ReindexKind.INDEX:
        return event.before.resolve(action.relation)
    index = event.before.index(action.relation)
    return None if index is None else index.table


def _is_new(context: Context, event: Event, action: Reindex) -> bool:
    table = _table(event, action)
    return table is not None and context.is_new(event, table)
