"""Lists of values that are a part of the schema."""

from collections.abc import Iterator

from safemigrate.model import CreateEnum, Finding, Severity
from safemigrate.recipes import keep_labels_as_rows
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["enum_type"]


@rule(
    family=Family.ENUMS,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def enum_type(context: Context) -> Iterator[Finding]:
    """A value of an enum cannot be taken out again, and can be added only by a migration.

    ## What it does

    Finds `CREATE TYPE … AS ENUM`. An opinion, and off until the project selects it.

    ## Why is this unsafe?

    There is no DROP VALUE: to take one out, the type is made anew and every table that has it is
    rewritten. The order is fixed, a value can have no attributes, and none can be retired.

    ## Example

    ```sql
    CREATE TYPE difficulty AS ENUM ('easy', 'hard');
    ```

    ## Use instead

    ```sql
    CREATE TABLE difficulty (name text PRIMARY KEY);
    INSERT INTO difficulty (name) VALUES ('easy'), ('hard');
    ```

    ```python
    labels = op.create_table("difficulty", sa.Column("name", sa.Text(), primary_key=True))
    op.bulk_insert(labels, [{"name": "easy"}, {"name": "hard"}])
    ```

    Columns are then `text` and reference the table. A short list may be a CHECK as well.

    ## When it is safe

    For values that will never be fewer, such as the days of the week.

    ## References

    - PostgreSQL manual, "Enumerated Types", Implementation Details
    - PostgreSQL manual, "ALTER TYPE"
    """
    for event, action in context.events(CreateEnum):
        yield context.finding(
            event,
            f'type "{event.before.resolve_new(action.type)}" is an enum',
            why="a value cannot be taken out without a new type and a rewrite of every table of it",
            remedy=keep_labels_as_rows(action),
        )
