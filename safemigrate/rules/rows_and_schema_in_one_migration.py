"""Changing rows and the schema in one go."""

from collections.abc import Iterator

from safemigrate.model import Catalog, ChangeRows, Finding, Remedy, Severity
from safemigrate.rulekit import Context, Family, rule

__all__ = ["rows_and_schema_in_one_migration"]


@rule(family=Family.DATA_CHANGES, severity=Severity.INFO, since="0.1.0", is_default=False)
def rows_and_schema_in_one_migration(context: Context) -> Iterator[Finding]:
    """A migration that changes rows and the schema can neither be repeated nor undone in part.

    ## What it does

    Finds the first change of rows, in a table that was there before, of a migration that changes
    tables, indexes, types or functions as well.
    The rule is off unless it is selected: it is a matter of taste where few rows are changed.
    Where they are changed under a strong lock, `backfill-in-same-transaction` finds them.

    ## Why is this unsafe?

    Rows take as long as there are many of them, a change of the schema should be over at once; in
    one migration the locks of the one are held for the time of the other. When it goes wrong after
    an hour, the schema is undone with the rows, and when it turns out wrong later, taking back the
    rows needs taking back the schema.

    ## Example

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, name text);
    DELETE FROM recipe WHERE name IS NULL;
    ```

    ## Use instead

    ```sql
    DELETE FROM recipe WHERE name IS NULL;
    ```

    ```python
    # in a revision without any change of the schema:
    op.execute("DELETE FROM recipe WHERE name IS NULL")
    ```

    ## When it is safe

    For a few rows, and for those of tables that the same migration creates, which are not found.

    ## References

    - PostgreSQL manual, "Explicit Locking"
    """
    passage = context.passage
    if _schema(passage.before) == _schema(passage.after):
        return
    for event, action in context.events(ChangeRows):
        if context.is_new(event, action.table):
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'rows of "{table}" change in a migration that changes the schema as well',
            why="what the one locks stays locked for the time of the other, and neither can be "
            "repeated or undone without the other",
            remedy=Remedy("change the rows in a revision of their own"),
        )
        return


def _schema(catalog: Catalog) -> tuple[object, ...]:
    tables, indexes, enums = catalog.tables, catalog.indexes, catalog.enums
    return tables, indexes, enums, catalog.domains, catalog.functions
