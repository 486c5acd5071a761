"""A new partition that rows are read for."""

from collections.abc import Iterator

from safemigrate.model import (
    AttachPartition,
    CreateTable,
    Event,
    Finding,
    QualifiedName,
    Remedy,
    Severity,
)
from safemigrate.recipes import attach_proven_partition, exclude_from_default
from safemigrate.rulekit import Context, Family, join_words, rule

__all__ = ["partition_scan"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def partition_scan(context: Context) -> Iterator[Finding]:
    """A new partition can make the server read a whole table with everybody shut out.

    ## What it does

    Finds `ATTACH PARTITION` of a table whose rows must be read to see that they fit the bound, and
    `ATTACH PARTITION` and `CREATE TABLE … PARTITION OF` beside a default partition that must be
    read for rows of the new one. Only tables that were there before the migration count.

    ## Why is this unsafe?

    The table that is read is held under ACCESS EXCLUSIVE until the transaction ends. Of a default
    partition, nobody reads or writes any row meanwhile, and neither does a query on the
    partitioned table that has to look there.

    ## Example

    ```sql
    ALTER TABLE meal ATTACH PARTITION meal_2022
        FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
    ```

    ## Use instead

    Prove the bound by a CHECK that is validated with reads and writes going on. The server finds
    it and reads nothing. The column must be NOT NULL, or the CHECK say so.

    ```sql
    ALTER TABLE meal_2022 ADD CONSTRAINT meal_2022_bound
        CHECK (day IS NOT NULL AND day >= '2022-01-01' AND day < '2023-01-01') NOT VALID;
    ALTER TABLE meal_2022 VALIDATE CONSTRAINT meal_2022_bound;
    ALTER TABLE meal_rest ADD CONSTRAINT meal_rest_without_2022
        CHECK (NOT (day IS NOT NULL AND day >= '2022-01-01' AND day < '2023-01-01')) NOT VALID;
    ALTER TABLE meal_rest VALIDATE CONSTRAINT meal_rest_without_2022;
    ALTER TABLE meal ATTACH PARTITION meal_2022
        FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
    ```

    ```python
    # each statement in a revision of its own, or an autocommit block
    op.execute("ALTER TABLE meal_2022 VALIDATE CONSTRAINT meal_2022_bound")
    ```

    ## When it is safe

    Where a CHECK proves the bound, without a default partition, and on tables that the same
    migration creates. With a CHECK over the key that may prove it, the finding has low confidence.

    ## References

    - PostgreSQL manual, "ALTER TABLE", ATTACH PARTITION
    - PostgreSQL manual, "Table Partitioning", Partition Maintenance
    """
    for event, action in context.events(AttachPartition, CreateTable):
        match action:
            case AttachPartition(table=parent, partition=partition):
                verb = "attaching"
                remedy = attach_proven_partition(action, event.statement.sql, event.before)
            case CreateTable(partition_of=QualifiedName() as parent, table=partition):
                verb = "adding"
                remedy = exclude_from_default(action, event.statement.sql, event.before)
            case CreateTable():
                continue
        if event.facts.scans:
            yield _object(context, event, f'{verb} "{partition}" to "{parent}"', remedy)


def _object(context: Context, event: Event, what: str, remedy: Remedy) -> Finding:
    tables = join_words([str(table) for table in event.facts.scans])
    return context.finding(
        event,
        f"{what} reads all of {tables} with everybody shut out",
        why=(
            f"every row of {tables} is looked at to see which partition it belongs to, under "
            "ACCESS EXCLUSIVE: all reads and writes there wait"
        ),
        remedy=remedy,
    )
