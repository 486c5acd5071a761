"""A table that is written anew in the order of an index."""

from collections.abc import Iterator

from safemigrate.model import Cluster, Finding, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import Context, Family, rule

__all__ = ["clustered_table"]


@rule(family=Family.REWRITES, severity=Severity.ERROR, since="0.1.0")
def clustered_table(context: Context) -> Iterator[Finding]:
    """CLUSTER writes a whole table anew with everybody shut out.

    ## What it does

    Finds `CLUSTER` of a table that was there before the migration, or of all that were clustered
    before. `ALTER TABLE … CLUSTER ON` only notes an index, and is not meant.

    ## Why is this unsafe?

    The table and its indexes are copied under ACCESS EXCLUSIVE: all reads and writes wait for as
    long as the table is big. The order does not last: rows that come later go where there is room.

    ## Example

    ```sql
    CLUSTER recipe USING recipe_pkey;
    ```

    ## Use instead

    An extension such as pg_repack sorts a table with only short locks; an index with `INCLUDE`
    often saves the sorting. Or do it when nobody needs the table:

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[clustered-table] nobody needs it between 2 and 3
    CLUSTER recipe USING recipe_pkey;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[clustered-table] nobody needs it between 2 and 3
    op.execute("CLUSTER recipe USING recipe_pkey")
    ```

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "CLUSTER"
    """
    for event, action in context.events(Cluster):
        if action.table is not None and context.is_new(event, action.table):
            continue
        name = "every clustered table"
        if action.table is not None:
            name = str(event.before.resolve(action.table))
        quoted = name if action.table is None else f'"{name}"'
        yield context.finding(
            event,
            f"CLUSTER writes {quoted} anew with everybody shut out",
            why=(
                f"ACCESS EXCLUSIVE on {name} is held while every row is copied: all reads and "
                "writes wait"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="sort it by an extension such as pg_repack, or do it when nobody needs it",
                reason="nobody needs it at this time",
                is_outside=action.table is None,
            ),
        )
