"""A table that changes hands under running code."""

from collections.abc import Iterator

from safemigrate.model import AlterTableOption, Finding, LockMode, Severity, TableOption
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    is_new_object,
    name_locked_tables,
    rule,
)

__all__ = ["owner_change"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def owner_change(context: Context) -> Iterator[Finding]:
    """A new owner takes the table from the role that owned it, which may run right now.

    ## What it does

    Finds `OWNER TO` in an upgrade, of a table, view, materialized view or sequence that was there
    before the migration.

    ## Why is this unsafe?

    An owner needs no GRANT. With a new owner the old one has only what was granted to it, mostly
    nothing, and the release that runs as that role fails from the moment of the commit. Row
    security does not bind an owner: it binds the old one now, and no longer the new one. A view
    reads its tables with the rights of its owner.
    `OWNER TO` takes ACCESS EXCLUSIVE: all reads and writes wait until the transaction ends.

    ## Example

    ```sql
    ALTER TABLE recipe OWNER TO migrator;
    ```

    ## Use instead

    Grant the old owner what it needs first, in the same transaction or before.

    ```sql
    GRANT SELECT, INSERT, UPDATE, DELETE ON recipe TO app;
    SET lock_timeout = '2s';
    -- safemigrate: ignore[owner-change] app has its grants
    ALTER TABLE recipe OWNER TO migrator;
    RESET lock_timeout;
    ```

    ```python
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON recipe TO app")
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[owner-change] app has its grants
    op.execute("ALTER TABLE recipe OWNER TO migrator")
    ```

    ## When it is safe

    Where no running code relies on owning it, and on what the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", OWNER TO
    - PostgreSQL manual, "Privileges"
    """
    for event, action in context.events(AlterTableOption):
        if action.option is not TableOption.OWNER or event.before.names_index(action.table):
            continue
        is_new_sequence = is_new_object(context, event, "SEQUENCE", action.table)
        if is_new_sequence or context.is_new(event, action.table):
            continue
        name = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'a new owner, {action.value}, takes "{name}" from the role that owned it',
            why=(
                "the old owner keeps only what is granted to it, and may be the role that runs; "
                f"OWNER TO holds ACCESS EXCLUSIVE on {tables} until the transaction ends"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="grant the old owner what it needs first",
                reason="the old owner has its grants",
                when="once the old owner has been granted what it needs",
            ),
        )
