"""Changing to a type that does not hold every value of the old one."""

from collections.abc import Iterator

from safemigrate.model import AlterColumnType, ColumnType, Finding, Remedy, Severity
from safemigrate.recipes import (
    SecondColumn,
    add_second_column,
    limit_by_check,
)
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, narrowed_columns, rule

__all__ = ["column_type_narrowing"]


@rule(family=Family.DATA_LOSS, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def column_type_narrowing(context: Context) -> Iterator[Finding]:
    """A narrower type fails on the first value that does not fit, or cuts values for good.

    ## What it does

    Finds `ALTER COLUMN … TYPE` in an upgrade to a type that cannot hold every value of the old one:
    `bigint` to `integer`, `varchar(50)` to `varchar(20)`, `numeric(12, 4)` to `numeric(12, 2)`.
    Where the old type is not known, column-type-rewrite speaks instead.

    ## Why is this unsafe?

    What happens depends on rows that a test database does not have.
    A text or integer that does not fit makes the migration fail; digits behind the point are
    rounded away without a word, and so is whatever `USING` cuts off. Nobody can bring them back.
    The release that runs meanwhile goes on to write values of the old width, and fails.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN note TYPE varchar(20);
    ```

    ## Use instead

    Keep the type, and limit the values by a CHECK that can be validated while others work.

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT recipe_note_fits CHECK (char_length(note) <= 20) NOT VALID;
    -- in the next transaction, once every old row fits:
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_note_fits;
    ```

    ```python
    op.create_check_constraint(
        "recipe_note_fits", "recipe", "char_length(note) <= 20", postgresql_not_valid=True
    )
    # in the next revision
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_note_fits")
    ```

    ## When it is safe

    When a valid CHECK already keeps every value within the new type.
    On a column or table that the same migration creates, nothing is found.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET DATA TYPE
    - PostgreSQL manual, "Numeric Types", Arbitrary Precision Numbers
    """
    for each in narrowed_columns(context):
        event, action, old = each.event, each.action, each.old
        table = event.before.resolve(action.table)
        is_slow = bool(event.facts.rewrites)
        waits = f"; all reads and writes of {table} wait until every row is written anew"
        yield context.finding(
            event,
            f'values of "{action.column}" of "{table}" may not fit: {old} becomes {action.type}',
            why=(
                f"a value that {action.type} cannot hold makes the statement fail, or is rounded "
                "or cut for good; the release that runs meanwhile still writes the old width"
                + (waits if is_slow else "")
            ),
            remedy=_remedy(action, old, each.condition),
        )


def _remedy(action: AlterColumnType, old: ColumnType, condition: str | None) -> Remedy:
    if condition is not None:
        return limit_by_check(action, f"{action.table.name}_{action.column}_fits", condition)
    value = None if action.using is None else action.using.sql
    return add_second_column(
        SecondColumn(action.table, action.column, old, f"{action.column}_new", action.type, value)
    )
