"""A unique index over rows that may be equal."""

from collections.abc import Iterator

from safemigrate.model import CreateIndex, Finding, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_new_index, rule

__all__ = ["unique_index_over_rows"]


@rule(
    family=Family.INDEXES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def unique_index_over_rows(context: Context) -> Iterator[Finding]:
    """Building a unique index fails where two of the rows that are there are equal.

    ## What it does

    Finds `CREATE UNIQUE INDEX` on a table that was there before the migration.
    It is off by default: whether rows are equal, only the database knows.

    ## Why is this unsafe?

    The build reads the whole table before it fails. Built concurrently, it leaves an INVALID index
    behind, which must be dropped before the migration can run again, and which keeps equal rows
    out meanwhile.

    ## Example

    ```sql
    CREATE UNIQUE INDEX CONCURRENTLY recipe_email_key ON recipe (email);
    ```

    ## Use instead

    Look for equal rows first, repair them, and say in an ignore that there are none.

    ```sql
    SELECT email, count(*) FROM recipe GROUP BY email HAVING count(*) > 1;
    -- safemigrate: ignore[unique-index-over-rows] no equal rows, looked on 2 May
    CREATE UNIQUE INDEX CONCURRENTLY recipe_email_key ON recipe (email);
    ```

    ```python
    with op.get_context().autocommit_block():
        # safemigrate: ignore[unique-index-over-rows] no equal rows, looked on 2 May
        op.create_index(
            "recipe_email_key", "recipe", ["email"], unique=True, postgresql_concurrently=True
        )
    ```

    ## When it is safe

    On a table that the same migration creates, and where no two rows are equal.

    ## References

    - PostgreSQL manual, "CREATE INDEX", Building Indexes Concurrently
    """
    for event, action in context.events(CreateIndex):
        if not action.is_unique or not event.facts.scans or context.is_new(event, action.table):
            continue
        rest = ", and leaves an INVALID index behind" if action.is_concurrent else ""
        name = name_new_index(event, action)
        yield context.finding(
            event,
            f'unique index "{name}" fails if two rows of "{event.before.resolve(action.table)}" '
            "are equal",
            why=f"the build reads every row, and stops at the first that is equal to another{rest}",
        )
