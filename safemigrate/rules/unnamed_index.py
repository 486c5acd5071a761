"""An index that PostgreSQL names."""

from collections.abc import Iterator

from safemigrate.model import CreateIndex, Finding, Remedy, Severity
from safemigrate.recipes import build_index
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_new_index, rule

__all__ = ["unnamed_index"]


@rule(
    family=Family.INDEXES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def unnamed_index(context: Context) -> Iterator[Finding]:
    """An index without a name of its own is called what happened to be free.

    ## What it does

    Finds `CREATE INDEX` without a name. It is off by default: the name that PostgreSQL chooses is
    a good one, as long as it is free.

    ## Why is this unsafe?

    The server makes the name of table and columns, and puts a number behind it where that is
    taken. Databases with another past then have other names, and the migration that drops the index
    works on some of them only. Run twice, the statement builds a second index.

    ## Example

    ```sql
    CREATE INDEX CONCURRENTLY ON recipe (email);
    ```

    ## Use instead

    ```sql
    CREATE INDEX CONCURRENTLY recipe_email_idx ON recipe (email);
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index("recipe_email_idx", "recipe", ["email"], postgresql_concurrently=True)
    ```

    ## When it is safe

    Where nothing ever names the index.

    ## References

    - PostgreSQL manual, "CREATE INDEX", Parameters, name
    """
    for event, action in context.events(CreateIndex):
        if action.name is not None:
            continue
        name = name_new_index(event, action)
        yield context.finding(
            event,
            f'the index of "{event.before.resolve(action.table)}" has no name of its own',
            why=f'the server calls it "{name}" where that is free, and otherwise something else',
            remedy=Remedy(f"name it: {build_index(action, name)}"),
        )
