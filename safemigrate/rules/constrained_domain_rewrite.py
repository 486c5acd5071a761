"""A new column of a domain that every row is tested against."""

from collections.abc import Iterator

from safemigrate.facts import is_restricted
from safemigrate.model import Finding, Severity
from safemigrate.recipes import add_column_in_steps
from safemigrate.rulekit import Context, Family, new_columns, rule

__all__ = ["constrained_domain_rewrite"]


@rule(family=Family.REWRITES, severity=Severity.ERROR, since="0.1.0")
def constrained_domain_rewrite(context: Context) -> Iterator[Finding]:
    """A new column of a domain with a condition rewrites the table with everybody shut out.

    ## What it does

    Finds `ADD COLUMN` of a domain that has a CHECK or is NOT NULL, on a table that was there before
    the migration; with a default or without one.

    ## Why is this unsafe?

    To test the domain on every row, the server writes the table and all its indexes anew, even
    where the value is NULL or the same in all rows. It holds ACCESS EXCLUSIVE until it is done:
    every read and write waits, and the table needs its space twice.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN minutes positive;
    ```

    ## Use instead

    Give the column the type that the domain is over, and the domain's condition as a CHECK.

    ```sql
    ALTER TABLE recipe ADD COLUMN minutes integer;
    ALTER TABLE recipe ADD CONSTRAINT recipe_minutes_check CHECK (minutes > 0) NOT VALID;
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_minutes_check;
    ```

    ```python
    op.add_column("recipe", sa.Column("minutes", sa.Integer()))
    op.create_check_constraint(
        "recipe_minutes_check", "recipe", "minutes > 0", postgresql_not_valid=True
    )
    # in the next revision:
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_minutes_check")
    ```

    ## When it is safe

    With a domain that restricts nothing, and on a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", Notes
    - PostgreSQL manual, "CREATE DOMAIN"
    """
    for event, action in new_columns(context):
        if not is_restricted(action.column, event.before):
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'adding column "{action.column.name}" of domain {action.column.type} rewrites all of '
            f'"{table}" with everybody shut out',
            why=(
                f"the domain is tested on every row, so ADD COLUMN holds ACCESS EXCLUSIVE on "
                f"{table} while every row and index entry is written anew: all reads and writes "
                "wait"
            ),
            remedy=add_column_in_steps(action, event.before),
        )
