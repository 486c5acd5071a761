"""What is logged of a row that is updated."""

from collections.abc import Iterator

from safemigrate.model import AlterTableOption, Finding, LockMode, Severity, TableOption
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["replica_identity_change"]

_HARM = {
    "FULL": (
        "makes every UPDATE and DELETE log the whole old row",
        "each change writes as much again, and a subscriber finds the row by reading its table",
    ),
    "NOTHING": (
        "makes UPDATE and DELETE fail where the table is published",
        "the server refuses to change rows that a subscriber could not find",
    ),
}


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def replica_identity_change(context: Context) -> Iterator[Finding]:
    """REPLICA IDENTITY FULL logs the whole old row at every change, and NOTHING forbids changes.

    ## What it does

    Finds `REPLICA IDENTITY FULL` and `NOTHING` in an upgrade, on a table that was there before the
    migration.

    ## Why is this unsafe?

    With FULL, UPDATE and DELETE write all columns of the old row to the log, large values
    included: for subscribers, archives and standbys that is twice the amount. A subscriber that has
    no index to use reads its whole table for each row.
    With NOTHING, or without a key, UPDATE and DELETE fail once a publication has the table.
    `REPLICA IDENTITY` takes ACCESS EXCLUSIVE: all reads and writes wait until the transaction ends.

    ## Example

    ```sql
    ALTER TABLE recipe REPLICA IDENTITY FULL;
    ```

    ## Use instead

    The primary key, which is the default, or another unique index over NOT NULL columns.

    ```sql
    ALTER TABLE recipe REPLICA IDENTITY DEFAULT;
    ```

    ```python
    op.execute("ALTER TABLE recipe REPLICA IDENTITY DEFAULT")
    ```

    ## When it is safe

    FULL, on a table that is seldom changed, or where a consumer of the changes needs the old
    values. NOTHING, where the table is never published. On a table that the same migration creates
    nothing is found.

    ## References

    - PostgreSQL manual, "ALTER TABLE", REPLICA IDENTITY
    - PostgreSQL manual, "Logical Replication", Publication
    """
    for event, action in context.events(AlterTableOption):
        if action.option is not TableOption.REPLICA_IDENTITY or action.value not in _HARM:
            continue
        if context.is_new(event, action.table):
            continue
        what, why = _HARM[action.value]
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'REPLICA IDENTITY {action.value} of "{event.before.resolve(action.table)}" {what}',
            why=f"{why}; ACCESS EXCLUSIVE on {tables} is held until the transaction ends",
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="use the primary key (DEFAULT), or a unique index over NOT NULL columns",
                reason="the consumer of the changes needs it",
                when="where the consumer of the changes needs it",
            ),
        )
