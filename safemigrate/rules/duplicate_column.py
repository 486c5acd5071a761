"""Columns that a table has twice."""

from collections.abc import Iterator

from safemigrate.model import CreateTable, Finding, Severity
from safemigrate.recipes import declare_column
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["duplicate_column"]


@rule(family=Family.DESIGN, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def duplicate_column(context: Context) -> Iterator[Finding]:
    """A column that a table lists twice fails the migration.

    ## What it does

    Finds columns that `CREATE TABLE` lists twice.

    ## Why is this unsafe?

    The server refuses the table, and the deployment stops.

    ## Example

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, name text, name text);
    ```

    ## Use instead

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, name text, note text);
    ```

    ```python
    op.create_table(
        "dish",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("name", sa.Text()),
        sa.Column("note", sa.Text()),
    )
    ```

    ## When it is safe

    Never. An index takes a key twice, and is not found.

    ## References

    - PostgreSQL manual, "CREATE TABLE"
    """
    for event, action in context.events(CreateTable):
        first = {column.name: column for column in reversed(action.columns)}
        for column in action.columns:
            if first[column.name] is column:
                continue
            yield context.finding(
                event,
                f'table "{event.before.resolve_new(action.table)}" lists column "{column.name}" '
                "twice",
                why="the server refuses the statement, and the migration stops there",
                remedy=declare_column("declare it once", first[column.name]),
                offset=column.offset,
            )
