"""What the server refuses where there is a default partition."""

from collections.abc import Iterator

from safemigrate.model import DetachPartition, Finding, Severity
from safemigrate.recipes import detach_briefly
from safemigrate.rulekit import Context, Family, rule

__all__ = ["concurrent_detach_beside_default"]


@rule(family=Family.PARTITIONS, severity=Severity.ERROR, since="0.1.0")
def concurrent_detach_beside_default(context: Context) -> Iterator[Finding]:
    """The server refuses to detach a partition concurrently beside a default partition.

    ## What it does

    Finds `DETACH PARTITION … CONCURRENTLY` from a table that has a default partition.

    ## Why is this unsafe?

    The statement fails, and the deployment stops there.

    ## Example

    ```sql
    ALTER TABLE meal DETACH PARTITION meal_old CONCURRENTLY;
    ```

    ## Use instead

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[non-concurrent-detach] beside a default partition
    ALTER TABLE meal DETACH PARTITION meal_old;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[non-concurrent-detach] beside a default partition
    op.execute("ALTER TABLE meal DETACH PARTITION meal_old")
    ```

    ## When it is safe

    Never, not even for a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DETACH PARTITION
    """
    for event, action in context.events(DetachPartition):
        table = event.before.resolve(action.table)
        if action.is_concurrent and any(
            child.is_default_partition and child.partition_of == table
            for child in event.before.partitions_of(table)
        ):
            yield context.finding(
                event,
                f'detaching "{action.partition.name}" from "{table}" concurrently fails beside '
                "its default partition",
                why=f"the server refuses it: {event.facts.errors[-1]}",
                remedy=detach_briefly(action, "non-concurrent-detach"),
            )
