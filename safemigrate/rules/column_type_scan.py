"""Changing a type so that every row is looked at."""

from collections.abc import Iterator

from safemigrate.facts import change_of_type
from safemigrate.model import (
    AlterColumnType,
    Constraint,
    ConstraintKind,
    Event,
    Finding,
    Remedy,
    Severity,
)
from safemigrate.recipes import SecondColumn, add_second_column, change_type_and_check_later
from safemigrate.rulekit import Context, Family, rule

__all__ = ["column_type_scan"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def column_type_scan(context: Context) -> Iterator[Finding]:
    """A change of type that rewrites nothing can still read the whole table behind its lock.

    ## What it does

    Finds `ALTER COLUMN … TYPE` that leaves the rows of a table as they are, but tests a CHECK over
    the column on each of them, or builds an index anew, on a table that was there before the
    migration.

    ## Why is this unsafe?

    Constraints over the column are made anew, and a CHECK is then tested on every row.
    An index with the column in an expression or a predicate is built again, and so is every index
    on the column when its collation changes.
    All that time the table is held under ACCESS EXCLUSIVE: no SELECT and no write.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN name TYPE varchar(40);
    ```

    ## Use instead

    For a CHECK: take it off and add it again without a test, then validate it.

    ```sql
    BEGIN;
    ALTER TABLE recipe
        DROP CONSTRAINT recipe_name_check,
        ALTER COLUMN name TYPE varchar(40),
        ADD CONSTRAINT recipe_name_check CHECK (name <> '') NOT VALID;
    COMMIT;
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_name_check;
    ```

    ```python
    op.execute(
        "ALTER TABLE recipe DROP CONSTRAINT recipe_name_check,"
        " ALTER COLUMN name TYPE varchar(40),"
        " ADD CONSTRAINT recipe_name_check CHECK (name <> '') NOT VALID"
    )
    ```

    For an index, move to a second column of the new type.

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", Notes
    """
    for event, action in context.events(AlterColumnType):
        is_rewritten = change_of_type(action, event.before).rewrites
        if is_rewritten or not event.facts.scans or context.is_new(event, action.table):
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'changing "{action.column}" of "{table}" to {action.type} reads all of it with '
            "everybody shut out",
            why=(
                f"a CHECK over the column is tested on every row, or an index with it built anew, "
                f"while ALTER TABLE holds ACCESS EXCLUSIVE on {table}: all reads and writes wait"
            ),
            remedy=_remedy(event, action),
        )


def _remedy(event: Event, action: AlterColumnType) -> Remedy:
    checks = list(_checks(event, action))
    rebuilt = {lock.relation for lock in event.facts.locks} & event.before.indexes.keys()
    if checks and not rebuilt:
        return change_type_and_check_later(action, checks)
    column = event.before.column(action.table, action.column)
    old = None if column is None else column.type
    return add_second_column(
        SecondColumn(action.table, action.column, old, f"{action.column}_new", action.type)
    )


def _checks(event: Event, action: AlterColumnType) -> Iterator[Constraint]:
    table = event.before.table(action.table)
    for constraint in () if table is None else table.constraints.values():
        expression = constraint.expression
        is_check = constraint.kind is ConstraintKind.CHECK and constraint.is_valid
        if is_check and expression is not None and action.column in expression.columns:
            yield constraint
