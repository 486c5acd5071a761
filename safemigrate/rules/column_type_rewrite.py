"""Changing a type so that every row is written anew."""

from collections.abc import Iterator

from safemigrate.facts import change_of_type, judge_type_change
from safemigrate.model import AlterColumnType, ColumnType, Event, Finding, Remedy, Severity
from safemigrate.recipes import SecondColumn, add_second_column, change_times_in_utc
from safemigrate.rulekit import Context, Family, is_better_limited, rule

__all__ = ["column_type_rewrite"]


@rule(family=Family.REWRITES, severity=Severity.ERROR, since="0.1.0")
def column_type_rewrite(context: Context) -> Iterator[Finding]:
    """Changing a column's type writes the whole table anew, with everybody shut out.

    ## What it does

    Finds `ALTER COLUMN … TYPE` that rewrites a table that was there before the migration.
    A change to a wider type of the same storage, such as `varchar(50)` to `varchar(100)` or `text`,
    rewrites nothing and is not found.
    Of a narrower type, where a CHECK can take its place, column-type-narrowing speaks.

    ## Why is this unsafe?

    The server writes every row into a new file and builds every index anew, and holds
    ACCESS EXCLUSIVE meanwhile: no SELECT and no write until the last row is done.
    The old and the new copy need their room on disk at the same time.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN servings TYPE bigint;
    ```

    ## Use instead

    Add a column of the new type beside the old one, keep both in step by a trigger, fill the old
    rows in batches, and move the code over release by release.

    ```sql
    ALTER TABLE recipe ADD COLUMN servings_new bigint;
    ```

    ```python
    op.add_column("recipe", sa.Column("servings_new", sa.BigInteger()))
    # then the trigger and the batches, by op.execute
    ```

    Between the two timestamp types nothing is rewritten when the times are UTC and the session's
    TimeZone says so (since PostgreSQL 12): `SET LOCAL timezone = 'UTC'` first.

    ## When it is safe

    On a table that the same migration creates, and on one so small that nobody notices.

    ## References

    - PostgreSQL manual, "ALTER TABLE", Notes
    """
    for event, action in context.events(AlterColumnType):
        change = change_of_type(action, event.before)
        if not change.rewrites or context.is_new(event, action.table):
            continue
        if is_better_limited(context, event):
            continue
        table = event.before.resolve(action.table)
        old = _old_type(event, action)
        types = f"to {action.type}" if old is None else f"from {old} to {action.type}"
        verb = "rewrites" if change.is_known else "may rewrite"
        yield context.finding(
            event,
            f'changing "{action.column}" of "{table}" {types} {verb} the table and its indexes',
            why=(
                f"ALTER TABLE holds ACCESS EXCLUSIVE on {table} while it writes every row anew and "
                "builds every index: all reads and writes wait until it ends"
            ),
            remedy=_remedy(action, old),
        )


def _old_type(event: Event, action: AlterColumnType) -> ColumnType | None:
    column = event.before.column(action.table, action.column)
    return None if column is None else column.type


def _remedy(action: AlterColumnType, old: ColumnType | None) -> Remedy:
    new, using = action.type, action.using
    is_free_in_utc = using is None and not (
        judge_type_change(old, new, column=action.column, timezone="UTC").rewrites
    )
    if is_free_in_utc:
        return change_times_in_utc(action)
    value = None if using is None else using.sql
    return add_second_column(
        SecondColumn(action.table, action.column, old, f"{action.column}_new", new, value)
    )
