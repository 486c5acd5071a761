"""Setting NOT NULL with the table shut."""

from collections.abc import Iterator

from safemigrate.facts import is_known_not_null, may_hide_partitions
from safemigrate.model import Finding, Generated, SetNotNull, Severity
from safemigrate.recipes import add_column_in_steps, fix_not_null, set_not_null_by_check
from safemigrate.rulekit import Context, Family, new_columns, rule

__all__ = ["set_not_null_scan"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def set_not_null_scan(context: Context) -> Iterator[Finding]:
    """Setting a column NOT NULL reads the whole table with everybody shut out.

    ## What it does

    Finds `ALTER COLUMN … SET NOT NULL` that has to look at every row of a table that was there
    before the migration.
    `ADD COLUMN … GENERATED … VIRTUAL NOT NULL` (PostgreSQL 18) does the same and is found too.

    ## Why is this unsafe?

    The statement takes ACCESS EXCLUSIVE and keeps it while it reads the table from end to end.
    Every SELECT and every write waits all that time.
    It also fails if any row has NULL.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN name SET NOT NULL;
    ```

    ## Use instead

    ```sql
    BEGIN;
    ALTER TABLE recipe ADD CONSTRAINT recipe_name_check CHECK (name IS NOT NULL) NOT VALID;
    COMMIT;
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_name_check;
    ALTER TABLE recipe ALTER COLUMN name SET NOT NULL;
    ALTER TABLE recipe DROP CONSTRAINT recipe_name_check;
    ```

    ```python
    # one revision
    op.create_check_constraint(
        "recipe_name_check", "recipe", "name IS NOT NULL", postgresql_not_valid=True
    )
    # the next one
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_name_check")
    # the one after that
    op.alter_column("recipe", "name", nullable=False)
    op.drop_constraint("recipe_name_check", "recipe")
    ```

    ## When it is safe

    When a valid CHECK already proves `column IS NOT NULL`, the server does not look again
    (since PostgreSQL 12), and on a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET/DROP NOT NULL
    """
    for event, action in context.events(SetNotNull):
        if context.is_new(event, action.table):
            continue
        if is_known_not_null(event.before, action.table, action.column):
            continue
        if not event.facts.scans and not may_hide_partitions(event.before, action.table):
            # Every partition has its proof.
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'setting "{action.column}" NOT NULL reads all of "{table}" with everybody shut out',
            why=(
                f"SET NOT NULL holds ACCESS EXCLUSIVE on {table} while it looks at every row: "
                "all reads and writes wait"
            ),
            remedy=set_not_null_by_check(action, event.before),
            fix=fix_not_null(event.statement.sql, action, event.before),
        )
    for event, added in new_columns(context):
        column = added.column
        is_computed = column.generated is Generated.VIRTUAL and column.is_not_null
        if not is_computed or not event.facts.scans:
            continue
        table = event.before.resolve(added.table)
        yield context.finding(
            event,
            f'adding "{column.name}" NOT NULL reads all of "{table}" with everybody shut out',
            why=(
                f"ADD COLUMN holds ACCESS EXCLUSIVE on {table} while it computes the value of "
                "every row: all reads and writes wait"
            ),
            remedy=add_column_in_steps(added, event.before),
        )
