"""Tables that grow too wide."""

from collections.abc import Iterator

from safemigrate.model import Event, Finding, Persistence, QualifiedName, Remedy, Severity, Table
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_columns, new_tables, rule

__all__ = ["too_many_columns"]


@rule(family=Family.DESIGN, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def too_many_columns(context: Context) -> Iterator[Finding]:
    """A table with very many columns is slow to read and to write, whichever of them are meant.

    ## What it does

    Finds tables that have more columns than the option `most-columns` says, 100 without it: new
    ones, and those that the migration adds columns to, once each.

    ## Why is this unsafe?

    An UPDATE of one column writes the whole row anew. To reach the last column, all before it are
    walked through. Rows that do not fit a page of 8 kB are refused or moved aside, and at 1,600
    columns, dropped ones counted, the table is full for ever.

    ## Example

    With `most-columns = 4`:

    ```sql
    ALTER TABLE recipe ADD COLUMN calories integer, ADD COLUMN fat integer;
    ```

    ## Use instead

    A table of its own for what belongs together:

    ```sql
    CREATE TABLE nutrition (
        recipe_id bigint PRIMARY KEY REFERENCES recipe (id),
        calories integer,
        fat integer
    );
    ```

    ```python
    op.create_table(
        "nutrition",
        sa.Column("recipe_id", sa.BigInteger(), sa.ForeignKey("recipe.id"), primary_key=True),
        sa.Column("calories", sa.Integer()),
        sa.Column("fat", sa.Integer()),
    )
    ```

    ## When it is safe

    For a table that is loaded whole and read by column, as for statistics.

    ## References

    - PostgreSQL manual, "PostgreSQL Limits"
    """
    most = context.options.most_columns
    for event, name, table in _widened(context):
        if len(table.columns) > most:
            yield context.finding(
                event,
                f'table "{name}" has {len(table.columns)} columns, more than {most}',
                why="every UPDATE writes all of them anew, and every read walks through them",
                remedy=Remedy(advice="put what belongs together into a table that references it"),
            )


def _widened(context: Context) -> Iterator[tuple[Event, QualifiedName, Table]]:
    """Yield the tables that are made or get columns, as the migration leaves them, once each."""
    for new in new_tables(context):
        yield new.event, new.table.name, new.table
    seen = set()
    for event, action in new_columns(context):
        name = event.before.resolve(action.table)
        table = context.passage.after.table(name)
        is_kept = table is not None and table.persistence is not Persistence.TEMPORARY
        if table is not None and is_kept and name not in seen:
            seen.add(name)
            yield event, name, table
