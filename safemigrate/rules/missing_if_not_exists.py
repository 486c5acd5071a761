"""A CREATE that fails where the thing is there."""

from collections.abc import Iterator

from safemigrate.model import Finding, Remedy, Severity
from safemigrate.rulekit import Context, Family, guards, rule

__all__ = ["missing_if_not_exists"]


@rule(family=Family.HYGIENE, severity=Severity.INFO, since="0.1.0", is_default=False)
def missing_if_not_exists(context: Context) -> Iterator[Finding]:
    """A CREATE without IF NOT EXISTS fails when a migration that broke off is run again.

    ## What it does

    Finds `CREATE TABLE`, `CREATE INDEX`, `CREATE EXTENSION` and `ADD COLUMN` without
    `IF NOT EXISTS`. Left out are temporary tables, and `CREATE INDEX CONCURRENTLY`, where it would
    pass over an index that was left invalid.
    An opinion, and off until the project selects it; `if-exists` is the opposite one.

    ## Why is this unsafe?

    Outside a transaction, what ran before the failing statement stays. The second run then ends at
    the first thing that is there already.

    ## Example

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY);
    ```

    ## Use instead

    ```sql
    CREATE TABLE IF NOT EXISTS dish (id bigint PRIMARY KEY);
    ```

    ```python
    op.create_table("dish", sa.Column("id", sa.BigInteger(), primary_key=True), if_not_exists=True)
    ```

    ## When it is safe

    Where every migration runs in one transaction: then all of it is there, or nothing.

    ## References

    - PostgreSQL manual, "CREATE TABLE", IF NOT EXISTS
    """
    for guard in guards(context):
        if not guard.is_drop and not guard.is_written:
            yield context.finding(
                guard.event,
                f"making {guard.what} without IF NOT EXISTS fails where it is there already",
                why="a migration that broke off outside a transaction cannot be run again",
                remedy=Remedy("write IF NOT EXISTS, if_not_exists=True in Alembic"),
            )
