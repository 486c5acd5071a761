"""A statement that the server refuses whatever the rows."""

import re
from collections.abc import Iterator

from safemigrate.facts import find_newer_features
from safemigrate.model import Event, Finding, Remedy, Severity
from safemigrate.rulekit import Context, Family, rule

__all__ = ["refused_statement"]

# What rules of their own speak of, with a cure of their own.
_SAID_ELSEWHERE = re.compile(
    r"concurrently|transaction block|executed from a function|view or rule|unsafe use of new value"
    r"|NOT VALID",
    re.IGNORECASE,
)


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0")
def refused_statement(context: Context) -> Iterator[Finding]:
    """The server refuses the statement, and the deployment stops there.

    ## What it does

    Finds what the schema alone decides: a column added to a partition, a change of a column that
    is inherited, or a part of the partition key, a foreign key between tables that are kept in
    ways that do not go together, COMMIT in a body that may not have one, and their like.
    Refusals that have a rule of their own are left to it.

    ## Why is this unsafe?

    The migration fails at this statement. What ran outside a transaction before it stays.

    ## Example

    ```sql
    ALTER TABLE meal_2024 ADD COLUMN origin text;
    ```

    ## Use instead

    Change the parent; its partitions follow.

    ```sql
    ALTER TABLE meal ADD COLUMN origin text;
    ```

    ```python
    op.add_column("meal", sa.Column("origin", sa.Text()))
    ```

    ## When it is safe

    Where the history does not show what the database has; give the rest with `--schema`.

    ## References

    - PostgreSQL manual, "ALTER TABLE", Notes
    """
    for event in context.all_events():
        for reason in _reasons(context, event):
            yield context.finding(
                event,
                f"the server refuses this: {reason}",
                why="the migration fails here; what ran outside a transaction before it stays",
                remedy=Remedy(
                    "change what stands in the way first, or change the parent table, whose "
                    "partitions and children follow"
                ),
            )


def _reasons(context: Context, event: Event) -> Iterator[str]:
    if not event.facts.errors or find_newer_features(event.action, context.passage.version):
        return
    for reason in event.facts.errors:
        if not _SAID_ELSEWHERE.search(reason):
            yield reason
