"""A setting of a column that shuts the table."""

from collections.abc import Iterator

from safemigrate.model import AlterColumnOption, ColumnOption, Finding, LockMode, Severity
from safemigrate.recipes import limit_by_timeout
from safemigrate.rulekit import Context, Family, name_locked_tables, rule

__all__ = ["changed_storage"]


@rule(family=Family.LOCKS, severity=Severity.INFO, since="0.1.0", is_default=False)
def changed_storage(context: Context) -> Iterator[Finding]:
    """Changing how a column is stored shuts the table, although no value is touched.

    ## What it does

    Finds `SET STORAGE` and `SET COMPRESSION` on a table that was there before the migration.
    The rule is off unless it is selected, because it is over in a moment once it has its lock.

    ## Why is this unsafe?

    Unlike `SET STATISTICS`, both take ACCESS EXCLUSIVE: while they wait for it, and until the
    transaction ends, all reads and writes of the table wait. Values that are there stay as they
    are; only what is written from then on is stored the new way.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN steps SET COMPRESSION lz4;
    ```

    ## Use instead

    Where it is for all new columns, `default_toast_compression` says so without touching a table.
    Else limit the wait, and do nothing more in that transaction.

    ```sql
    SET default_toast_compression = 'lz4';
    ALTER TABLE recipe ADD COLUMN method text;
    ```

    ```python
    op.execute("SET LOCAL default_toast_compression = 'lz4'")
    op.add_column("recipe", sa.Column("method", sa.Text()))
    ```

    ## When it is safe

    With a short `lock_timeout`, and on a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET STORAGE and SET COMPRESSION
    - PostgreSQL manual, "Database Physical Storage", TOAST
    """
    for event, action in context.events(AlterColumnOption):
        if action.option not in {ColumnOption.STORAGE, ColumnOption.COMPRESSION}:
            continue
        if context.is_new(event, action.table):
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'{action.option.value} of "{action.column}" shuts "{table}" for a setting',
            why=f"it holds ACCESS EXCLUSIVE on {tables}: all reads and writes wait until the "
            "transaction ends, and no value that is there changes",
            remedy=limit_by_timeout(
                "lock_timeout", "2s", is_local=event.statement.transaction is not None
            ),
        )
