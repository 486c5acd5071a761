"""What the server refuses to do inside a transaction."""

from collections.abc import Iterator

from safemigrate.model import CreateIndex, DetachPartition, DropIndex, Finding, Severity
from safemigrate.recipes import fix_outside, leave_transaction
from safemigrate.rulekit import Context, Family, rule

__all__ = ["concurrent_index_in_transaction"]


@rule(family=Family.TRANSACTIONS, severity=Severity.ERROR, since="0.1.0")
def concurrent_index_in_transaction(context: Context) -> Iterator[Finding]:
    """A concurrent statement inside a transaction is refused, and the migration fails.

    ## What it does

    Finds `CREATE INDEX CONCURRENTLY`, `DROP INDEX CONCURRENTLY` and
    `DETACH PARTITION … CONCURRENTLY` that run inside a transaction.
    Alembic opens one for each revision.

    ## Why is this unsafe?

    These statements commit half-way and wait for other transactions, which they can only do
    outside one.
    The server refuses them, and the deployment stops there.

    ## Example

    ```sql
    BEGIN;
    CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name);
    COMMIT;
    ```

    ## Use instead

    ```sql
    CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name);
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index("recipe_name_idx", "recipe", ["name"], postgresql_concurrently=True)
    ```

    ## When it is safe

    Never: take it out of the transaction, also for a table that the same migration creates.
    There the index can be built without `CONCURRENTLY` just as well.

    ## References

    - PostgreSQL manual, "CREATE INDEX", Building Indexes Concurrently
    - PostgreSQL manual, "ALTER TABLE", DETACH PARTITION
    - Alembic documentation, `MigrationContext.autocommit_block`
    """
    for event, action in context.events(CreateIndex, DropIndex, DetachPartition):
        match action:
            case CreateIndex():
                what = f'building an index of "{event.before.resolve(action.table)}" concurrently'
            case DropIndex():
                what = f'dropping index "{action.index.name}" concurrently'
            case DetachPartition():
                what = f'detaching partition "{action.partition.name}" concurrently'
        if action.is_concurrent and event.is_in_transaction:
            yield context.finding(
                event,
                f"{what} fails inside a transaction",
                why=f"the server refuses it: {event.facts.errors[0]}",
                remedy=leave_transaction(action, event.before),
                fix=fix_outside(event.statement.sql, action),
            )
