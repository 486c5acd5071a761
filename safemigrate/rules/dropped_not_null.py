"""Letting NULL into a column that never had one."""

from collections.abc import Iterator

from safemigrate.model import DropNotNull, Finding, LockMode, Severity
from safemigrate.recipes import change_attribute_later
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["dropped_not_null"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_not_null(context: Context) -> Iterator[Finding]:
    """Dropping NOT NULL lets in NULLs that running code takes for impossible.

    ## What it does

    Finds `DROP NOT NULL` in an upgrade, of a column that was there before the migration and is not
    NOT NULL again at its end.

    ## Why is this unsafe?

    The release that runs meanwhile reads the column as one that always has a value; the first NULL
    that the next release writes breaks it, and comparisons come out wrong without an error.
    To put NOT NULL back, every row that came in must be repaired first, and all are read.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN name DROP NOT NULL;
    ```

    ## Use instead

    Teach the code that reads the column that NULL may come, deploy that everywhere, and drop NOT
    NULL in a later release, saying which one.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-not-null] readers bear NULL since release 4.2
    ALTER TABLE recipe ALTER COLUMN name DROP NOT NULL;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-not-null] readers bear NULL since release 4.2
    op.alter_column("recipe", "name", nullable=True)
    ```

    ## When it is safe

    Once every running release bears NULL there, and before a column is dropped that no code reads
    any more. On a column or table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET/DROP NOT NULL
    """
    for event, action in context.events(DropNotNull):
        if context.is_new(event, action.table):
            continue
        if context.is_new_column(event, action.table, action.column):
            continue
        column = event.before.column(action.table, action.column)
        end = context.passage.after.column(event.before.resolve(action.table), action.column)
        if (column and not column.is_not_null and column.type) or (end and end.is_not_null):
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'"{action.column}" of "{table}" may be NULL from now on, which running code does not '
            "expect",
            why=(
                "the release that runs meanwhile relies on a value in every row; DROP NOT NULL "
                f"holds ACCESS EXCLUSIVE on {tables} until the transaction ends"
            ),
            remedy=change_attribute_later(action, context.rule),
        )
