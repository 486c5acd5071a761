"""A change of type that a view stands in the way of."""

from collections.abc import Iterator

from safemigrate.model import AlterColumnType, Event, Finding, Severity, Table
from safemigrate.recipes import change_under_views
from safemigrate.rulekit import Context, Family, join_words, rule

__all__ = ["column_type_under_view"]


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0")
def column_type_under_view(context: Context) -> Iterator[Finding]:
    """A change of type is refused while a view reads the column, and the migration fails.

    ## What it does

    Finds `ALTER COLUMN … TYPE` of a column that a view or materialized view reads, as far as the
    history shows both.

    ## Why is this unsafe?

    A view keeps the types of what it reads. The server refuses to change one of them, with "cannot
    alter type of a column used by a view or rule", and the deployment stops there.
    It does not matter that the new type would need no rewrite.

    ## Example

    ```sql
    CREATE VIEW notes AS SELECT id, note FROM recipe;
    ALTER TABLE recipe ALTER COLUMN note TYPE text;
    ```

    ## Use instead

    ```sql
    BEGIN;
    DROP VIEW notes;
    ALTER TABLE recipe ALTER COLUMN note TYPE text;
    CREATE VIEW notes AS SELECT id, note FROM recipe;
    COMMIT;
    ```

    ```python
    op.execute("DROP VIEW notes")
    op.alter_column("recipe", "note", type_=sa.Text())
    op.execute("CREATE VIEW notes AS SELECT id, note FROM recipe")
    ```

    ## When it is safe

    Never, also where the same migration creates the table and the view. Once the view is dropped,
    nothing is found.

    ## References

    - PostgreSQL manual, "ALTER TABLE", Notes
    - PostgreSQL manual, "Data Definition", Dependency Tracking
    """
    for event, action in context.events(AlterColumnType):
        views = list(event.before.views_of_column(action.table, action.column))
        if not views:
            continue
        table = event.before.resolve(action.table)
        names = join_words([f'"{view.name}"' for view in views])
        yield context.finding(
            event,
            f'the type of "{action.column}" of "{table}" cannot be changed while {names} reads it',
            why="the server refuses it: cannot alter type of a column used by a view or rule",
            remedy=change_under_views(event.statement.sql, _in_order(event, views)),
        )


def _in_order(event: Event, views: list[Table]) -> list[Table]:
    """Return the views and those that read them, each before its readers."""
    found = {view.name: view for view in views}
    for view in views:
        found |= {reader.name: reader for reader in event.before.readers_of(view.name)}
    return sorted(found.values(), key=lambda view: view.identity)
