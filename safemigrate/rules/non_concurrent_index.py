"""Building an index with writers shut out."""

from collections.abc import Iterator

from safemigrate.model import CreateIndex, Event, Finding, LockMode, RelationKind, Severity
from safemigrate.recipes import build_index_concurrently, fix_index_build
from safemigrate.rulekit import Context, Family, name_locked_tables, name_new_index, rule

__all__ = ["non_concurrent_index"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def non_concurrent_index(context: Context) -> Iterator[Finding]:
    """Building an index blocks every write to the table until it is done.

    ## What it does

    Finds `CREATE INDEX` without `CONCURRENTLY` on a table that was there before the migration.

    ## Why is this unsafe?

    `CREATE INDEX` takes a SHARE lock on the table and keeps it while it reads every row.
    INSERT, UPDATE, DELETE and MERGE wait all that time; SELECT goes on.

    ## Example

    ```sql
    CREATE INDEX recipe_name_idx ON recipe (name);
    ```

    ## Use instead

    ```sql
    CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name);
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index("recipe_name_idx", "recipe", ["name"], postgresql_concurrently=True)
    ```

    The index of a partitioned table cannot be built concurrently as a whole.
    Make it on the parent alone with `ON ONLY`, build each partition's index concurrently, and
    attach them with `ALTER INDEX … ATTACH PARTITION`.

    ## When it is safe

    On a table that the same migration creates, which nobody else can be writing to, and `ON ONLY`
    the parent of partitions, which has no rows of its own.

    ## References

    - PostgreSQL manual, "CREATE INDEX", Building Indexes Concurrently
    - PostgreSQL manual, "Table Partitioning", Partition Maintenance
    - PostgreSQL manual, "Explicit Locking", Table-Level Locks
    """
    for event, action in context.events(CreateIndex):
        is_there = action.takes_existing and _is_there(event, action)
        if action.is_concurrent or is_there or context.is_new(event, action.table):
            continue
        if action.is_only and not _holds_rows(event, action):
            continue
        table = event.before.resolve(action.table)
        name = name_new_index(event, action)
        locked = name_locked_tables(event, LockMode.SHARE)
        yield context.finding(
            event,
            f'building index "{name}" blocks writes to "{table}"',
            why=(
                f"CREATE INDEX holds SHARE on {locked} while it reads every row: INSERT, UPDATE, "
                "DELETE and MERGE wait until the build ends"
            ),
            remedy=build_index_concurrently(action, name, event.before),
            fix=fix_index_build(event.statement.sql, action, event.before),
        )


def _is_there(event: Event, action: CreateIndex) -> bool:
    """Return whether IF NOT EXISTS finds the index, so that nothing is built."""
    name = event.before.beside(action.table, action.name or "")
    return event.before.index(name) is not None


def _holds_rows(event: Event, action: CreateIndex) -> bool:
    """Return whether the table is known to be no parent of partitions, so that ONLY is idle."""
    table = event.before.table(action.table)
    return table is not None and table.kind is not RelationKind.PARTITIONED_TABLE
