"""A guard that hides what is not as it should be."""

from collections.abc import Iterator

from safemigrate.model import CreateExtension, Finding, Remedy, Severity
from safemigrate.rulekit import Context, Family, guards, rule

__all__ = ["if_exists"]


@rule(family=Family.HYGIENE, severity=Severity.INFO, since="0.1.0", is_default=False)
def if_exists(context: Context) -> Iterator[Finding]:
    """IF EXISTS and IF NOT EXISTS hide that the database is not what the migrations made.

    ## What it does

    Finds `IF EXISTS` at `DROP`, and `IF NOT EXISTS` at `CREATE TABLE`, `CREATE INDEX` and
    `ADD COLUMN`. An extension is left out: whoever runs the server may have created it.
    An opinion, and off until the project selects it; `missing-if-exists` and
    `missing-if-not-exists` are the opposite ones.

    ## Why is this unsafe?

    A migration knows what the ones before it made. Where that is not there, or is there already,
    somebody changed the database by hand, and the server says so only in a notice: the table that
    stays may have other columns, the index may be invalid.

    ## Example

    ```sql
    DROP INDEX CONCURRENTLY IF EXISTS recipe_name_idx;
    ```

    ## Use instead

    ```sql
    DROP INDEX CONCURRENTLY recipe_name_idx;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.drop_index("recipe_name_idx", postgresql_concurrently=True)
    ```

    ## When it is safe

    Where a statement outside a transaction must be able to run twice, as before building an index
    concurrently once more.

    ## References

    - PostgreSQL manual, "DROP TABLE", IF EXISTS
    - PostgreSQL manual, "CREATE TABLE", IF NOT EXISTS
    """
    for guard in guards(context):
        if not guard.is_written or isinstance(guard.event.action, CreateExtension):
            continue
        words = "IF EXISTS" if guard.is_drop else "IF NOT EXISTS"
        state = "gone" if guard.is_drop else "there"
        yield context.finding(
            guard.event,
            f"{words} hides it where {guard.what} is {state} already",
            why="a database that is not what the migrations made is found out later, if at all",
            remedy=Remedy(f"leave {words} out"),
        )
