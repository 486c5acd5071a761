"""Taking the numbering from a column."""

from collections.abc import Iterator

from safemigrate.model import AlterColumnOption, ColumnOption, Finding, LockMode, Severity
from safemigrate.recipes import change_attribute_later
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["dropped_identity"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_identity(context: Context) -> Iterator[Finding]:
    """Dropping an identity breaks every INSERT that counts on the number.

    ## What it does

    Finds `DROP IDENTITY` in an upgrade, of a column that was there before the migration and has
    neither an identity nor a default at its end.

    ## Why is this unsafe?

    An identity column is NOT NULL, and stays so. The release that runs meanwhile leaves it out of
    its INSERTs, as everybody does, and all of them fail from the moment of the commit.
    The sequence goes with the identity, and with it the number it had come to.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN id DROP IDENTITY;
    ```

    ## Use instead

    Where numbers come from somewhere else from now on, put the default there in the same
    transaction.

    ```sql
    BEGIN;
    ALTER TABLE recipe ALTER COLUMN id DROP IDENTITY;
    ALTER TABLE recipe ALTER COLUMN id SET DEFAULT nextval('recipe_number');
    COMMIT;
    ```

    ```python
    op.execute("ALTER TABLE recipe ALTER COLUMN id DROP IDENTITY")
    op.execute("ALTER TABLE recipe ALTER COLUMN id SET DEFAULT nextval('recipe_number')")
    ```

    ## When it is safe

    Once every running release gives the number itself. On a column or table that the same migration
    creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DROP IDENTITY
    - PostgreSQL manual, "Data Definition", Identity Columns
    """
    for event, action in context.events(AlterColumnOption):
        if action.option is not ColumnOption.DROP_IDENTITY or context.is_new(event, action.table):
            continue
        if context.is_new_column(event, action.table, action.column):
            continue
        column = event.before.column(action.table, action.column)
        end = context.passage.after.column(event.before.resolve(action.table), action.column)
        if end is not None and (end.is_identity or end.default is not None):
            continue
        if column is not None and column.type is not None and not column.is_identity:
            continue
        table = event.before.resolve(action.table)
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'INSERTs into "{table}" that leave out "{action.column}" fail without its identity',
            why=(
                "the release that runs meanwhile counts on the number; DROP IDENTITY holds ACCESS "
                f"EXCLUSIVE on {tables} until the transaction ends"
            ),
            remedy=change_attribute_later(action, context.rule),
        )
