"""An index that may be there, and be of no use."""

from collections.abc import Iterator

from safemigrate.model import CreateIndex, DropIndex, Event, Finding, QualifiedName, Severity
from safemigrate.recipes import drop_and_build_index
from safemigrate.rulekit import Context, Family, rule

__all__ = ["concurrent_index_if_not_exists"]


@rule(family=Family.INDEXES, severity=Severity.WARNING, since="0.1.0")
def concurrent_index_if_not_exists(context: Context) -> Iterator[Finding]:
    """IF NOT EXISTS keeps the invalid index that a failed concurrent build has left behind.

    ## What it does

    Finds `CREATE INDEX CONCURRENTLY IF NOT EXISTS`, unless the migration drops an index of that
    name before.

    ## Why is this unsafe?

    A concurrent build that fails, by a deadlock, a timeout or two equal rows, leaves its index
    behind, marked INVALID. When the migration runs again, `IF NOT EXISTS` sees the name and is
    content: queries never use the index, every write keeps it, and nobody is told.

    ## Example

    ```sql
    CREATE INDEX CONCURRENTLY IF NOT EXISTS recipe_email_idx ON recipe (email);
    ```

    ## Use instead

    ```sql
    DROP INDEX CONCURRENTLY IF EXISTS recipe_email_idx;
    CREATE INDEX CONCURRENTLY recipe_email_idx ON recipe (email);
    ```

    ```python
    with op.get_context().autocommit_block():
        op.drop_index(
            "recipe_email_idx", table_name="recipe", if_exists=True, postgresql_concurrently=True
        )
        op.create_index("recipe_email_idx", "recipe", ["email"], postgresql_concurrently=True)
    ```

    ## When it is safe

    Behind a `DROP INDEX` of the same name. A table created in the same migration needs neither.

    ## References

    - PostgreSQL manual, "CREATE INDEX", Building Indexes Concurrently
    """
    gone: set[QualifiedName] = set()
    for event, action in context.events(CreateIndex, DropIndex):
        if isinstance(action, DropIndex):
            gone.add(event.before.resolve(action.index))
        elif action.is_concurrent and action.takes_existing and _name(event, action) not in gone:
            yield context.finding(
                event,
                f'index "{action.name}" of "{event.before.resolve(action.table)}" is kept as it '
                "is where a failed build has left it",
                why=(
                    "a concurrent build that fails leaves an INVALID index, which every write "
                    "keeps and no query uses; IF NOT EXISTS takes it for the real one"
                ),
                remedy=drop_and_build_index(action, event.before),
            )


def _name(event: Event, action: CreateIndex) -> QualifiedName:
    return event.before.beside(action.table, action.name or "")
