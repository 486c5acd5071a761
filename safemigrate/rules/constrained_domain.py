"""Domains that restrict their values."""

from collections.abc import Iterator

from safemigrate.model import CreateDomain, Finding, Severity
from safemigrate.recipes import restrict_columns_instead
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["constrained_domain"]


@rule(
    family=Family.TYPES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def constrained_domain(context: Context) -> Iterator[Finding]:
    """A domain with a CHECK makes every new column of it rewrite its table.

    ## What it does

    Finds `CREATE DOMAIN` with a CHECK or NOT NULL. An opinion, and off until the project selects
    it; the rule constrained-domain-rewrite speaks where such a column is added.

    ## Why is this unsafe?

    `ADD COLUMN` of such a domain writes the whole table anew, even without a default.
    To validate a changed CHECK reads every table that has a column of it, in one transaction.
    NOT NULL does not even hold: an outer join, or a subquery without a row, still yields NULL.

    ## Example

    ```sql
    CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
    ```

    ## Use instead

    ```sql
    CREATE DOMAIN email AS text;
    CREATE TABLE cook (
        id bigint PRIMARY KEY,
        address email CONSTRAINT cook_address_check CHECK (address LIKE '%@%')
    );
    ```

    ```python
    op.execute("CREATE DOMAIN email AS text")
    op.execute(
        "CREATE TABLE cook (id bigint PRIMARY KEY,"
        " address email CONSTRAINT cook_address_check CHECK (address LIKE '%@%'))"
    )
    ```

    ## When it is safe

    Where columns of it come with their tables, and its rule never changes.

    ## References

    - PostgreSQL manual, "CREATE DOMAIN", Notes
    - PostgreSQL manual, "ALTER TABLE", Notes
    """
    for event, action in context.events(CreateDomain):
        if action.is_constrained:
            yield context.finding(
                event,
                f'domain "{event.before.resolve_new(action.domain)}" restricts its values',
                why="adding a column of it rewrites the table, and changing its rule reads all",
                remedy=restrict_columns_instead(action),
            )
