"""Values that go where the order of columns says."""

from collections.abc import Iterator

from safemigrate.model import ChangeRows, Finding, Severity
from safemigrate.recipes import name_columns
from safemigrate.rulekit import Context, Family, rule

__all__ = ["insert_without_columns"]


@rule(family=Family.DATA_CHANGES, severity=Severity.WARNING, since="0.1.0")
def insert_without_columns(context: Context) -> Iterator[Finding]:
    """An INSERT without a list of columns writes by their order, which differs between databases.

    ## What it does

    Finds `INSERT` without a list of columns into a table that was there before the migration.
    `DEFAULT VALUES` needs none, and is not found.

    ## Why is this unsafe?

    The values go to the columns in the order in which they were added. A database that came to its
    schema another way, from the model or with a column dropped and added again, has another order:
    there the statement fails, or writes values into the wrong columns where the types allow it.

    ## Example

    ```sql
    INSERT INTO recipe VALUES (101, 'soup');
    ```

    ## Use instead

    ```sql
    INSERT INTO recipe (id, name) VALUES (101, 'soup');
    ```

    ```python
    op.execute("INSERT INTO recipe (id, name) VALUES (101, 'soup')")
    ```

    ## When it is safe

    Into a table that the same migration creates: its columns are all there to be seen.

    ## References

    - PostgreSQL manual, "INSERT"
    """
    for event, action in context.events(ChangeRows):
        if action.columns is not None or context.is_new(event, action.table):
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'the values for "{table}" go to columns that the INSERT does not name',
            why="they go by the order in which the columns were added, which is another one in a "
            "database that came to its schema another way",
            remedy=name_columns(event.before.table(action.table)),
        )
