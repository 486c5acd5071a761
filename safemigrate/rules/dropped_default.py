"""Taking away the value that an INSERT leaves out."""

from collections.abc import Iterator

from safemigrate.model import DropDefault, Event, Finding, LockMode, Severity
from safemigrate.recipes import change_attribute_later
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["dropped_default"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_default(context: Context) -> Iterator[Finding]:
    """Dropping a default breaks the INSERTs of running code that leave the column out.

    ## What it does

    Finds `DROP DEFAULT` in an upgrade, where the table was there before the migration, and the
    column has no default again at its end.

    ## Why is this unsafe?

    The release that runs meanwhile leaves the column out, because it knows the default. Without it
    the row gets NULL, and where the column is NOT NULL the INSERT fails.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN origin DROP DEFAULT;
    ```

    ## Use instead

    Give the column a value in every INSERT of the code, deploy that everywhere, and drop the
    default in a later release, saying which one.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-default] always given since release 4.2
    ALTER TABLE recipe ALTER COLUMN origin DROP DEFAULT;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-default] always given since release 4.2
    op.alter_column("recipe", "origin", server_default=None)
    ```

    ## When it is safe

    Once every running release gives the column a value. On a table that the same migration creates,
    and for a default that the same migration has set, where there was none.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET/DROP DEFAULT
    """
    for event, action in context.events(DropDefault):
        if context.is_new(event, action.table) or not _is_missed(context, event, action):
            continue
        table = event.before.resolve(action.table)
        column = event.before.column(action.table, action.column)
        is_required = column is not None and column.is_not_null
        effect = "fail" if is_required else "get NULL"
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'INSERTs into "{table}" that leave out "{action.column}" {effect} without its default',
            why=(
                "the release that runs meanwhile relies on it; DROP DEFAULT holds ACCESS EXCLUSIVE "
                f"on {tables} until the transaction ends"
            ),
            remedy=change_attribute_later(action, context.rule),
        )


def _is_missed(context: Context, event: Event, action: DropDefault) -> bool:
    """Return whether an INSERT of the release that runs meanwhile can notice."""
    column = event.before.column(action.table, action.column)
    end = context.passage.after.column(event.before.resolve(action.table), action.column)
    if end is not None and (end.default is not None or end.is_identity):
        return False
    if column is None or column.type is None:
        return True
    return column.default is not None and not _is_set_here(context, event, action)


def _is_set_here(context: Context, event: Event, action: DropDefault) -> bool:
    """Return whether the migration has set the default, where the column had none or was not."""
    if context.is_new_column(event, action.table, action.column):
        return True
    table = event.before.table(action.table)
    old = None if table is None else context.passage.before.by_identity(table.identity)
    column = None if old is None else old.columns.get(action.column)
    return column is not None and column.type is not None and column.default is None
