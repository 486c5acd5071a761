"""Making a generated column a plain one."""

from collections.abc import Iterator

from safemigrate.model import AlterColumnOption, ColumnOption, Finding, LockMode, Severity
from safemigrate.recipes import change_attribute_later
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["dropped_expression"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_expression(context: Context) -> Iterator[Finding]:
    """Dropping the expression of a generated column leaves a column that nobody fills.

    ## What it does

    Finds `DROP EXPRESSION` in an upgrade, of a column that was there before the migration.

    ## Why is this unsafe?

    The values that are there stay, and grow old: an UPDATE of what they were made of no longer
    changes them. New rows get NULL, or fail where the column is NOT NULL, for the release that runs
    meanwhile cannot write the column. There is no command that makes it a generated one again.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN title DROP EXPRESSION;
    ```

    ## Use instead

    Add a plain column beside it, write both, and drop the generated one releases later. Or keep the
    values up to date by a trigger, in the same transaction.

    ```sql
    ALTER TABLE recipe ADD COLUMN heading text;
    ```

    ```python
    op.add_column("recipe", sa.Column("heading", sa.Text()))
    ```

    ## When it is safe

    Once every running release can write the column and does. On a column or table that the same
    migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DROP EXPRESSION
    - PostgreSQL manual, "Data Definition", Generated Columns
    """
    for event, action in context.events(AlterColumnOption):
        if action.option is not ColumnOption.DROP_EXPRESSION or context.is_new(event, action.table):
            continue
        if context.is_new_column(event, action.table, action.column):
            continue
        column = event.before.column(action.table, action.column)
        if column is not None and column.type is not None and column.generated is None:
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'nothing fills "{action.column}" of "{table}" any more, and no command takes that '
            "back",
            why=(
                "the release that runs meanwhile cannot write the column; DROP EXPRESSION holds "
                f"ACCESS EXCLUSIVE on {tables} until the transaction ends"
            ),
            remedy=change_attribute_later(action, context.rule),
        )
