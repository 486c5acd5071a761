"""A view replaced under the code that reads it."""

from collections.abc import Iterator

from safemigrate.model import CreateView, Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["replaced_view"]


@rule(
    family=Family.BREAKAGE,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def replaced_view(context: Context) -> Iterator[Finding]:
    """A view that is replaced shows other rows to the release that still reads it.

    ## What it does

    Finds `CREATE OR REPLACE VIEW` of a view that was there before the migration.
    An opinion, and off until the project selects it.

    ## Why is this unsafe?

    The server keeps names and types of the columns as they are, and not what is in them: the
    release that runs meanwhile reads other rows from the moment of the commit.
    The view is held under ACCESS EXCLUSIVE: its readers wait until the transaction ends.

    ## Example

    ```sql
    CREATE OR REPLACE VIEW menu AS SELECT id, name FROM recipe WHERE id > 10;
    ```

    ## Use instead

    Make a view of another name, and drop the old one releases later.

    ```sql
    CREATE VIEW short_menu AS SELECT id, name FROM recipe WHERE id > 10;
    ```

    ```python
    op.execute("CREATE VIEW short_menu AS SELECT id, name FROM recipe WHERE id > 10")
    ```

    ## When it is safe

    Where both releases can do with the new rows, as when a column is added at the end.

    ## References

    - PostgreSQL manual, "CREATE VIEW"
    """
    for event, action in context.events(CreateView):
        is_there = event.before.table(action.view) is not None
        if not action.replaces or not is_there or context.is_new(event, action.view):
            continue
        yield context.finding(
            event,
            f'replacing view "{event.before.resolve(action.view)}" changes it under the code that '
            "reads it",
            why="the release that runs meanwhile reads other rows from the moment of the commit",
            remedy=Remedy("make a view of another name, and drop this one later"),
        )
