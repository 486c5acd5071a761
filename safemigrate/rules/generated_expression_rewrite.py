"""Computing a generated column anew in every row."""

from collections.abc import Iterator

from safemigrate.model import (
    AddColumn,
    AlterColumnOption,
    ColumnDefinition,
    ColumnOption,
    Event,
    Finding,
    Generated,
    Remedy,
    Severity,
)
from safemigrate.recipes import add_column_in_steps
from safemigrate.rulekit import Context, Family, rule

__all__ = ["generated_expression_rewrite"]


@rule(family=Family.REWRITES, severity=Severity.ERROR, since="0.1.0")
def generated_expression_rewrite(context: Context) -> Iterator[Finding]:
    """A new expression for a stored generated column rewrites the table with everybody shut out.

    ## What it does

    Finds `ALTER COLUMN … SET EXPRESSION` (since PostgreSQL 17) of a stored generated column, on a
    table that was there before the migration.

    ## Why is this unsafe?

    The value of every row is computed again, so the server writes the table and all its indexes
    anew and holds ACCESS EXCLUSIVE until it is done: every read and write waits, and the table
    needs its space twice.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN servings_doubled SET EXPRESSION AS (servings * 2);
    ```

    ## Use instead

    Add a second column with the new expression and move the code over: on PostgreSQL 18 a virtual
    one, which is there at once; before, a plain one that a trigger fills.

    ```sql
    ALTER TABLE recipe
        ADD COLUMN servings_doubled_new integer GENERATED ALWAYS AS (servings * 2) VIRTUAL;
    ```

    ```python
    op.execute(
        "ALTER TABLE recipe ADD COLUMN servings_doubled_new integer"
        " GENERATED ALWAYS AS (servings * 2) VIRTUAL"
    )
    ```

    ## When it is safe

    On a virtual generated column (PostgreSQL 18), and on a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET EXPRESSION AS
    """
    for event, action in context.events(AlterColumnOption):
        if action.option is not ColumnOption.SET_EXPRESSION or not event.facts.rewrites:
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'a new expression for "{action.column}" rewrites all of "{table}" with everybody shut '
            "out",
            why=(
                f"SET EXPRESSION holds ACCESS EXCLUSIVE on {table} while every row and index entry "
                "is written anew: all reads and writes wait"
            ),
            remedy=_remedy(event, action),
        )


def _remedy(event: Event, action: AlterColumnOption) -> Remedy:
    """Return the steps to a second column with the new expression."""
    column = event.before.column(action.table, action.column)
    if column is None or column.type is None:
        return Remedy("add a second column with the new expression, and move the code over")
    second = ColumnDefinition(
        f"{action.column}_new",
        column.type,
        default=action.expression,
        generated=Generated.STORED,
        collation=column.collation,
    )
    return add_column_in_steps(AddColumn(action.table, second), event.before)
