"""A DROP that fails where there is nothing to drop."""

from collections.abc import Iterator

from safemigrate.model import Finding, Remedy, Severity
from safemigrate.rulekit import Context, Family, guards, rule

__all__ = ["missing_if_exists"]


@rule(family=Family.HYGIENE, severity=Severity.INFO, since="0.1.0", is_default=False)
def missing_if_exists(context: Context) -> Iterator[Finding]:
    """A DROP without IF EXISTS fails when a migration that broke off is run again.

    ## What it does

    Finds `DROP` of tables, views, indexes, schemas, types, functions, sequences and extensions,
    `DROP COLUMN` and `DROP CONSTRAINT`, without `IF EXISTS`.
    An opinion, and off until the project selects it; `if-exists` is the opposite one.

    ## Why is this unsafe?

    Outside a transaction, what ran before the failing statement stays. The second run then ends at
    the first thing that is gone already.

    ## Example

    ```sql
    DROP INDEX CONCURRENTLY recipe_name_idx;
    ```

    ## Use instead

    ```sql
    DROP INDEX CONCURRENTLY IF EXISTS recipe_name_idx;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.drop_index("recipe_name_idx", postgresql_concurrently=True, if_exists=True)
    ```

    ## When it is safe

    Where every migration runs in one transaction: then all of it is there, or nothing.

    ## References

    - PostgreSQL manual, "DROP TABLE", IF EXISTS
    """
    for guard in guards(context):
        if guard.is_drop and not guard.is_written:
            yield context.finding(
                guard.event,
                f"dropping {guard.what} without IF EXISTS fails where it is gone already",
                why="a migration that broke off outside a transaction cannot be run again",
                remedy=Remedy("write IF EXISTS, if_exists=True in Alembic"),
            )
