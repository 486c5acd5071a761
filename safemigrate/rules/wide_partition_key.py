"""A partition key of several columns."""

from collections.abc import Iterator

from safemigrate.model import CreateTable, Finding, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, join_words, rule

__all__ = ["wide_partition_key"]


@rule(
    family=Family.PARTITIONS,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def wide_partition_key(context: Context) -> Iterator[Finding]:
    """A partition key of several columns is hard to query by, and cannot be changed later.

    ## What it does

    Finds `CREATE TABLE … PARTITION BY` with more than one column or expression.
    It is off by default: some tables are spread by two columns for good reasons.

    ## Why is this unsafe?

    Rows are compared column by column: a range of the first and second one is not a rectangle, and
    a query by the second alone reads every partition. A key cannot be altered; another one means a
    new table with all rows copied.

    ## Example

    ```sql
    CREATE TABLE visit (day date, region int) PARTITION BY RANGE (day, region);
    ```

    ## Use instead

    ```sql
    CREATE TABLE visit (day date, region int) PARTITION BY RANGE (day);
    CREATE TABLE visit_new PARTITION OF visit
        FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (region);
    ```

    ```python
    op.create_table(
        "visit",
        sa.Column("day", sa.Date()),
        sa.Column("region", sa.Integer()),
        postgresql_partition_by="RANGE (day)",
    )
    ```

    ## When it is safe

    Where every query names all columns of the key, as with a hash over several.

    ## References

    - PostgreSQL manual, "Table Partitioning", Best Practices for Declarative Partitioning
    """
    for event, action in context.events(CreateTable):
        if len(action.partition_key) > 1:
            columns = join_words([part.text for part in action.partition_key])
            yield context.finding(
                event,
                f'"{event.before.resolve_new(action.table)}" is partitioned by {columns}',
                why="a query that leaves one of them out may have to read every partition",
            )
