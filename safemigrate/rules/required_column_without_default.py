"""A new column that every row must have, and no row has."""

from collections.abc import Iterator

from safemigrate.facts import has_value
from safemigrate.model import Finding, Severity
from safemigrate.recipes import add_column_in_steps
from safemigrate.rulekit import Context, Family, new_columns, rule

__all__ = ["required_column_without_default"]


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0")
def required_column_without_default(context: Context) -> Iterator[Finding]:
    """A new NOT NULL column without a default fails on the first row, and in all running code.

    ## What it does

    Finds `ADD COLUMN … NOT NULL` with neither a default, an identity, a serial type nor a
    generated value, on a table that was there before the migration.
    A downgrade that brings back a dropped column this way is found as well.

    ## Why is this unsafe?

    The statement fails if the table has a single row.
    On an empty table it succeeds, and then every INSERT of the release that is still running
    fails, because it does not know the column.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN author text NOT NULL;
    ```

    ## Use instead

    A default that is the same for all rows costs nothing:

    ```sql
    ALTER TABLE recipe ADD COLUMN author text NOT NULL DEFAULT 'unknown';
    ```

    Without one, add the column nullable, fill it, and set NOT NULL from a proof:

    ```sql
    ALTER TABLE recipe ADD COLUMN author text;
    -- once every release in use fills it, and the old rows have a value:
    ALTER TABLE recipe ADD CONSTRAINT recipe_author_check CHECK (author IS NOT NULL) NOT VALID;
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_author_check;
    ALTER TABLE recipe ALTER COLUMN author SET NOT NULL;
    ALTER TABLE recipe DROP CONSTRAINT recipe_author_check;
    ```

    ```python
    op.add_column("recipe", sa.Column("author", sa.Text()))
    ```

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", ADD COLUMN and Notes
    """
    for event, action in new_columns(context):
        column = action.column
        if not column.is_not_null or has_value(column):
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'column "{column.name}" of "{table}" is NOT NULL and has no default',
            why=(
                f"ADD COLUMN fails if {table} has a row, and while older code is running each of "
                "its INSERTs fails, because it gives the column no value"
            ),
            remedy=add_column_in_steps(action, event.before),
        )
