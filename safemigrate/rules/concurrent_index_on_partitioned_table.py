"""What the server does not do concurrently for a partitioned table."""

from collections.abc import Iterator

from safemigrate.model import (
    Catalog,
    CreateIndex,
    DropIndex,
    Finding,
    Index,
    RelationKind,
    Severity,
)
from safemigrate.recipes import build_index_concurrently, drop_index_briefly
from safemigrate.rulekit import Context, Family, name_new_index, rule

__all__ = ["concurrent_index_on_partitioned_table"]


@rule(family=Family.PARTITIONS, severity=Severity.ERROR, since="0.1.0")
def concurrent_index_on_partitioned_table(context: Context) -> Iterator[Finding]:
    """The server refuses to build or drop an index of a partitioned table concurrently.

    ## What it does

    Finds `CREATE INDEX CONCURRENTLY` on a partitioned table, and `DROP INDEX CONCURRENTLY` of an
    index of one.

    ## Why is this unsafe?

    The statement fails, and the deployment stops there, if Alembic or psql sends it.
    `safemigrate upgrade` builds such an index partition by partition instead of sending the
    statement, where the revision has it in an autocommit block, and so does not refuse the
    revision; it does not drop one so.

    ## Example

    ```sql
    CREATE INDEX CONCURRENTLY meal_id_idx ON meal (id);
    ```

    ## Use instead

    Make the index of the parent alone, build that of each partition concurrently, and attach them.

    ```sql
    CREATE INDEX meal_id_idx ON ONLY meal (id);
    CREATE INDEX CONCURRENTLY meal_old_id_idx ON meal_old (id);
    ALTER INDEX meal_id_idx ATTACH PARTITION meal_old_id_idx;
    ```

    ```python
    op.execute("CREATE INDEX meal_id_idx ON ONLY meal (id)")
    with op.get_context().autocommit_block():
        op.create_index("meal_old_id_idx", "meal_old", ["id"], postgresql_concurrently=True)
    op.execute("ALTER INDEX meal_id_idx ATTACH PARTITION meal_old_id_idx")
    ```

    ## When it is safe

    Never, but for `CREATE INDEX CONCURRENTLY` in an autocommit block of a revision that
    `safemigrate upgrade` alone runs. A partitioned table that the same migration creates takes a
    plain `CREATE INDEX`.

    ## References

    - PostgreSQL manual, "CREATE INDEX", Building Indexes Concurrently
    - PostgreSQL manual, "Table Partitioning", Partition Maintenance
    """
    for event, action in context.events(CreateIndex, DropIndex):
        if not action.is_concurrent:
            continue
        catalog = event.before
        index = action if isinstance(action, CreateIndex) else catalog.index(action.index)
        if index is None or not _is_partitioned(index, catalog):
            continue
        where = catalog.resolve(index.table)
        if isinstance(action, CreateIndex):
            name = name_new_index(event, action)
            verb = "building"
            remedy = build_index_concurrently(action, name, catalog)
            rest = "; `safemigrate upgrade` alone builds it partition by partition"
        else:
            name, verb = action.index.name, "dropping"
            remedy = drop_index_briefly(action, context.rule)
            rest = ""
        yield context.finding(
            event,
            f'{verb} index "{name}" of "{where}", which is partitioned, concurrently fails',
            why=f"the server refuses it: {event.facts.errors[-1]}{rest}",
            remedy=remedy,
        )


def _is_partitioned(of: CreateIndex | Index, catalog: Catalog) -> bool:
    table = catalog.table(of.table)
    return table is not None and table.kind is RelationKind.PARTITIONED_TABLE
