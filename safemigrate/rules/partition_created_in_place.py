"""A partition that is made where queries run."""

from collections.abc import Iterator

from safemigrate.model import CreateTable, Finding, Severity
from safemigrate.recipes import create_and_attach
from safemigrate.rulekit import Context, Family, rule

__all__ = ["partition_created_in_place"]


@rule(family=Family.PARTITIONS, severity=Severity.WARNING, since="0.1.0")
def partition_created_in_place(context: Context) -> Iterator[Finding]:
    """CREATE TABLE … PARTITION OF shuts everybody out of the whole partitioned table.

    ## What it does

    Finds `CREATE TABLE … PARTITION OF` a table that was there before the migration.

    ## Why is this unsafe?

    The statement takes ACCESS EXCLUSIVE on the parent. It is quick once it has the lock, but it
    waits behind the longest query there, every query that comes after waits behind it, and the
    lock is kept until the transaction ends. `ATTACH PARTITION` takes SHARE UPDATE EXCLUSIVE, which
    reads and writes do not wait for.

    ## Example

    ```sql
    CREATE TABLE meal_new PARTITION OF meal FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    ```

    ## Use instead

    ```sql
    CREATE TABLE meal_new (LIKE meal INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED);
    ALTER TABLE meal ATTACH PARTITION meal_new FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    ```

    ```python
    op.execute(
        "CREATE TABLE meal_new "
        "(LIKE meal INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED)"
    )
    op.execute(
        "ALTER TABLE meal ATTACH PARTITION meal_new"
        " FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"
    )
    ```

    The indexes of the parent are made for the partition when it is attached.

    ## When it is safe

    When the same migration creates the partitioned table.

    ## References

    - PostgreSQL manual, "Table Partitioning", Partition Maintenance
    """
    for event, action in context.events(CreateTable):
        parent = action.partition_of
        if parent is None or context.is_new(event, parent):
            continue
        if action.takes_existing and event.before.table(action.table) is not None:
            continue
        whole = event.before.resolve(parent)
        yield context.finding(
            event,
            f'creating "{action.table}" as a partition shuts everybody out of "{whole}"',
            why=(
                f"PARTITION OF waits for ACCESS EXCLUSIVE on {whole} behind the longest query "
                "there; every read and write that comes after waits behind it"
            ),
            remedy=create_and_attach(action, parent),
        )
