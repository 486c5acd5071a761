"""Tables and columns that nobody explains."""

from collections.abc import Iterator

from safemigrate.model import CommentOn, Finding, Severity
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    new_tables,
    rule,
    written_columns,
)

__all__ = ["missing_comment"]


@rule(
    family=Family.DESIGN,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def missing_comment(context: Context) -> Iterator[Finding]:
    """A table or column without a comment is explained by whoever remembers it, or by nobody.

    ## What it does

    Finds new tables and new columns that get no `COMMENT ON` in the same migration.
    Temporary tables and partitions are left out.
    An opinion, and off until the project selects it.

    ## Why is this unsafe?

    People who query the database, and tools that list it, see names only. What a unit is, or what
    NULL means, is then guessed.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN heat integer;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN heat integer;
    COMMENT ON COLUMN recipe.heat IS 'Of the oven, in degrees Celsius';
    ```

    ```python
    op.add_column("recipe", sa.Column("heat", sa.Integer(), comment="Of the oven, in Celsius"))
    ```

    ## When it is safe

    Where the schema is explained elsewhere, and that is kept up to date.

    ## References

    - PostgreSQL manual, "COMMENT"
    """
    explained = {
        (event.before.resolve(action.relation), action.column)
        for event, action in context.events(CommentOn)
        if action.relation is not None and not action.is_part and not action.is_removed
    }
    for new in new_tables(context):
        name = new.event.before.resolve_new(new.action.table)
        if {(name, None), (new.table.name, None)}.isdisjoint(explained):
            yield context.finding(
                new.event,
                f'table "{name}" has no comment',
                why="who queries the database sees its name only",
            )
    for column in written_columns(context):
        tables = {column.table, column.after.name} if column.after else set()
        if {(table, column.name) for table in tables}.isdisjoint(explained) and column.at_end:
            yield context.finding(
                column.event,
                f'column "{column.name}" of "{column.table}" has no comment',
                why="who queries the database sees its name only",
                offset=column.offset,
            )
