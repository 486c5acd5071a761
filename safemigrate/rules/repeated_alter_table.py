"""Going through a table twice where once would do."""

from collections.abc import Iterator

from safemigrate.model import (
    AddColumn,
    AddConstraint,
    AlterColumnType,
    ChangeRows,
    ConstraintKind,
    Event,
    ExplainedStatement,
    Finding,
    QualifiedName,
    RenameColumn,
    SetNotNull,
    Severity,
)
from safemigrate.recipes import join_alterations
from safemigrate.rulekit import Context, Family, rule

__all__ = ["repeated_alter_table"]


@rule(family=Family.TRANSACTIONS, severity=Severity.INFO, since="0.1.0")
def repeated_alter_table(context: Context) -> Iterator[Finding]:
    """Two statements that each go through a table keep it shut twice as long as one would.

    ## What it does

    Finds an `ALTER TABLE` that reads or rewrites a whole table of which an earlier one of the same
    migration has done so, where nothing between the two stops them from being one statement:
    changes of type, new columns that rewrite, `SET NOT NULL`, checks.

    ## Why is this unsafe?

    One `ALTER TABLE` with several subcommands goes through the rows once, whatever their number.
    Each statement by itself goes through them again, under ACCESS EXCLUSIVE: all reads and writes
    wait that much longer.

    ## Example

    ```sql
    ALTER TABLE recipe ALTER COLUMN minutes TYPE bigint;
    ALTER TABLE recipe ALTER COLUMN name SET NOT NULL;
    ```

    ## Use instead

    Better still, do each without going through the rows under that lock, as the other findings say.

    ```sql
    ALTER TABLE recipe
        ALTER COLUMN minutes TYPE bigint,
        ALTER COLUMN name SET NOT NULL;
    ```

    ```python
    op.execute(
        "ALTER TABLE recipe ALTER COLUMN minutes TYPE bigint, ALTER COLUMN name SET NOT NULL"
    )
    ```

    ## When it is safe

    On a small table, and on one that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", Notes
    """
    last: dict[QualifiedName, ExplainedStatement] = {}
    for explained in context.passage.statements:
        for event in explained.events:
            if isinstance(event.action, ChangeRows | RenameColumn):
                last.pop(event.before.resolve(event.action.table), None)
        table = _gone_through(explained)
        if table is None:
            continue
        if table in last and not _excludes(last[table], explained):
            yield _object(context, table, last[table].events[0], explained.events[0])
        last[table] = explained


def _gone_through(explained: ExplainedStatement) -> QualifiedName | None:
    """Return the table that the ALTER TABLE goes through, in the one pass that does it all."""
    for event in (one for one in explained.events if not one.is_in_body):
        match event.action:
            case AddConstraint(constraint=added) if added.kind is not ConstraintKind.CHECK:
                # Keys and foreign keys are built and looked up in passes of their own.
                continue
            case AlterColumnType() | AddColumn() | SetNotNull() | AddConstraint() as action:
                family = {event.before.resolve(action.table)}
                family |= {child.name for child in event.before.partitions_of(action.table)}
                if family & {*event.facts.rewrites, *event.facts.scans}:
                    return event.before.resolve(action.table)
            case _:
                # The others read no rows, or stand in no ALTER TABLE.
                continue
    return None


def _excludes(first: ExplainedStatement, second: ExplainedStatement) -> bool:
    """Return whether one statement cannot do both: one column cannot be changed twice."""
    made = {one.action.column.name for one in first.events if isinstance(one.action, AddColumn)}
    before, after = (
        {one.action.column for one in each.events if isinstance(one.action, AlterColumnType)}
        for each in (first, second)
    )
    return bool(after & (before | made))


def _object(context: Context, table: QualifiedName, first: Event, second: Event) -> Finding:
    return context.finding(
        second,
        f'"{table}" is gone through once more, which one ALTER TABLE would do at once',
        why=f"the statement on line {first.statement.span.line} has done it already; each time all "
        "reads and writes wait until every row is done",
        remedy=join_alterations(first, second),
    )
