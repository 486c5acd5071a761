"""Dropping a column that running code still uses."""

from collections.abc import Iterator

from safemigrate.model import DropColumn, Finding, LockMode, Severity
from safemigrate.recipes import drop_column_later
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    doubt_of_missing,
    name_locked_tables,
    rule,
)

__all__ = ["dropped_column"]


@rule(family=Family.DATA_LOSS, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_column(context: Context) -> Iterator[Finding]:
    """Dropping a column breaks the code that still uses it and loses its values for good.

    ## What it does

    Finds `DROP COLUMN` in an upgrade, of a column that was there before the migration.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs: its SELECT and INSERT name the column
    and fail from the moment of the commit, and so do SQLAlchemy models that list it.
    The values are gone, and a downgrade cannot bring them back.
    `DROP COLUMN` takes ACCESS EXCLUSIVE on the table, and on the referenced table as well when the
    column carries a foreign key; indexes and constraints over the column go with it.

    ## Example

    ```sql
    ALTER TABLE recipe DROP COLUMN name;
    ```

    ## Use instead

    Expand and contract: take the column out of the code, deploy that everywhere, and drop the
    column in a later release, saying which one made it unused.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-column] unused since release 4.2
    ALTER TABLE recipe DROP COLUMN name;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-column] unused since release 4.2
    op.drop_column("recipe", "name")
    ```

    ## When it is safe

    Once no running release reads or writes the column, and its values are not needed.
    On a column or table that the same migration creates, nothing is found.
    With `IF EXISTS`, a column that the history does not show is found with low confidence:
    something else may have added it.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DROP COLUMN
    """
    for event, action in context.events(DropColumn):
        if context.is_new(event, action.table):
            continue
        if context.is_new_column(event, action.table, action.column):
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        is_shown = event.before.column(action.table, action.column) is not None
        yield context.finding(
            event,
            f'dropping column "{action.column}" of "{table}" breaks code that still uses it',
            why=doubt_of_missing(action, is_shown=is_shown)
            + (
                "the release that runs meanwhile still selects and writes it, and its values are "
                f"gone; DROP COLUMN holds ACCESS EXCLUSIVE on {tables}: all reads and writes wait "
                "until the transaction ends"
            ),
            remedy=drop_column_later(action, context.rule),
        )
