"""Another value for what an INSERT leaves out."""

from collections.abc import Iterator

from safemigrate.model import Finding, LockMode, SetDefault, Severity
from safemigrate.recipes import change_attribute_later
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["changed_default"]


@rule(
    family=Family.BREAKAGE,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def changed_default(context: Context) -> Iterator[Finding]:
    """Changing a default changes what running code writes without knowing it.

    ## What it does

    Finds `SET DEFAULT` in an upgrade, on a column that was there before the migration and has
    another default, or one that the history does not show.
    The rule is off unless it is selected, because most changes of a default are meant to do just
    that.

    ## Why is this unsafe?

    The release that runs meanwhile leaves the column out and counts on the old value: from the
    commit on, its rows have the new one, which it may not understand. The rows that are there keep
    theirs.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN origin SET DEFAULT 'there';
    ```

    ## Use instead

    Let the code give the value, deploy that everywhere, and change the default in a later release.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[changed-default] always given since release 4.2
    ALTER TABLE recipe ALTER COLUMN origin SET DEFAULT 'there';
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[changed-default] always given since release 4.2
    op.alter_column("recipe", "origin", server_default="there")
    ```

    ## When it is safe

    Where every running release bears the new value, and on a column or table that the same
    migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET/DROP DEFAULT
    """
    for event, action in context.events(SetDefault):
        if context.is_new(event, action.table):
            continue
        if context.is_new_column(event, action.table, action.column):
            continue
        column = event.before.column(action.table, action.column)
        old = None if column is None else column.default
        is_first = column is not None and column.type is not None and old is None
        if is_first or (old is not None and old.sql == action.default.sql):
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'INSERTs into "{table}" that leave out "{action.column}" write {action.default.sql} '
            "from now on",
            why=(
                "the release that runs meanwhile counts on the old value; SET DEFAULT holds ACCESS "
                f"EXCLUSIVE on {tables} until the transaction ends"
            ),
            remedy=change_attribute_later(action, context.rule),
        )
