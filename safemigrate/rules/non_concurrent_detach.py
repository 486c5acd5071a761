"""A partition that is taken off with everybody shut out."""

from collections.abc import Iterator

from safemigrate.model import DetachPartition, Finding, LockMode, Severity
from safemigrate.recipes import detach_concurrently
from safemigrate.rulekit import Context, Family, name_locked_tables, rule

__all__ = ["non_concurrent_detach"]


@rule(family=Family.PARTITIONS, severity=Severity.ERROR, since="0.1.0")
def non_concurrent_detach(context: Context) -> Iterator[Finding]:
    """Detaching a partition shuts everybody out of the whole partitioned table.

    ## What it does

    Finds `DETACH PARTITION` without `CONCURRENTLY`, from a table that was there before the
    migration.

    ## Why is this unsafe?

    The statement takes ACCESS EXCLUSIVE on the parent, the partition, and the default partition if
    there is one. It waits behind the longest query on any of them, and every query that comes after
    waits behind it; then it keeps the locks until the transaction ends.

    ## Example

    ```sql
    ALTER TABLE meal DETACH PARTITION meal_old;
    ```

    ## Use instead

    ```sql
    ALTER TABLE meal DETACH PARTITION meal_old CONCURRENTLY;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE meal DETACH PARTITION meal_old CONCURRENTLY")
    ```

    The server refuses `CONCURRENTLY` beside a default partition. Detach behind a short
    `lock_timeout` then, and try again when it did not get the lock.

    ## When it is safe

    From a partitioned table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DETACH PARTITION
    """
    for event, action in context.events(DetachPartition):
        if action.is_concurrent or context.is_new(event, action.table):
            continue
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        has_default = any(
            child.is_default_partition for child in event.before.partitions_of(action.table)
        )
        refused = "; the default partition rules CONCURRENTLY out" if has_default else ""
        yield context.finding(
            event,
            f'detaching "{event.before.resolve(action.partition)}" shuts everybody out of '
            f'"{event.before.resolve(action.table)}"',
            why=(
                f"DETACH PARTITION waits for ACCESS EXCLUSIVE on {tables}, and every read and "
                f"write that comes after waits behind it{refused}"
            ),
            remedy=detach_concurrently(action, event.before, context.rule),
        )
