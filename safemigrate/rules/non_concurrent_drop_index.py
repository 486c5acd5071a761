"""Dropping an index with everybody shut out."""

from collections.abc import Iterator

from safemigrate.model import DropIndex, Event, Finding, Index, LockMode, RelationKind, Severity
from safemigrate.recipes import drop_index_briefly, drop_index_concurrently, fix_index_drop
from safemigrate.rulekit import Context, Family, doubt_of_missing, name_locked_tables, rule

__all__ = ["non_concurrent_drop_index"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def non_concurrent_drop_index(context: Context) -> Iterator[Finding]:
    """Dropping an index shuts everybody out of its table.

    ## What it does

    Finds `DROP INDEX` without `CONCURRENTLY` on an index of a table that was there before the
    migration.
    An index that carries a constraint is not meant: it goes with `DROP CONSTRAINT` only.

    ## Why is this unsafe?

    `DROP INDEX` takes ACCESS EXCLUSIVE on the index and on its table.
    It is quick once it has the lock, but it waits behind the longest query on the table, and every
    query that comes after waits behind it.
    In a migration it then keeps the lock until the transaction ends.

    ## Example

    ```sql
    DROP INDEX recipe_name_idx;
    ```

    ## Use instead

    ```sql
    DROP INDEX CONCURRENTLY recipe_name_idx;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.drop_index("recipe_name_idx", table_name="recipe", postgresql_concurrently=True)
    ```

    The index of a partitioned table cannot be dropped concurrently.
    Drop it behind a short `lock_timeout`, and try again when it did not get the lock.

    ## When it is safe

    On a table that the same migration creates, and on one that it drops as well.
    With `IF EXISTS`, an index that the history does not show is found with low confidence.

    ## References

    - PostgreSQL manual, "DROP INDEX", CONCURRENTLY
    - PostgreSQL manual, "Explicit Locking", Table-Level Locks
    """
    for event, action in context.events(DropIndex):
        index = event.before.index(action.index)
        if action.is_concurrent or (index is not None and _is_exempt(context, event, index)):
            continue
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        # What the history does not show is locked under the index's own name in the facts.
        where = tables if index is not None else "its table"
        is_partitioned = index is not None and _is_partitioned(event, index)
        yield context.finding(
            event,
            f'dropping index "{action.index.name}" shuts everybody out of {where}',
            why=doubt_of_missing(action, is_shown=index is not None)
            + (
                f"DROP INDEX waits for ACCESS EXCLUSIVE on {where} behind the longest query "
                "there; every read and write that comes after waits behind it"
            ),
            remedy=drop_index_briefly(action, context.rule)
            if is_partitioned
            else drop_index_concurrently(action, None if index is None else index.table),
            fix=fix_index_drop(event.statement.sql, action, event.before),
        )


def _is_exempt(context: Context, event: Event, index: Index) -> bool:
    """Return whether the index carries a constraint, or its table is new or about to go."""
    table = event.before.table(index.table)
    if index.constraint is not None or context.is_new(event, index.table):
        return True
    return table is not None and context.passage.after.by_identity(table.identity) is None


def _is_partitioned(event: Event, index: Index) -> bool:
    table = event.before.table(index.table)
    return table is not None and table.kind is RelationKind.PARTITIONED_TABLE
