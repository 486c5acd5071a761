"""Tables that a crash empties."""

from collections.abc import Iterator

from safemigrate.model import Finding, Persistence, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_tables, rule

__all__ = ["unlogged_table"]


@rule(family=Family.DESIGN, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def unlogged_table(context: Context) -> Iterator[Finding]:
    """An unlogged table is empty after a crash, and always empty on a replica.

    ## What it does

    Finds tables that the migration creates and leaves unlogged.
    Of `SET UNLOGGED` for a table that was there before, changed-persistence speaks.

    ## Why is this unsafe?

    Its changes are not in the write-ahead log. After a crash, or a switch to a replica, the server
    empties it; a replica cannot read it, and a restored base backup has it empty.
    `SET LOGGED` later writes the table anew with everybody shut out.

    ## Example

    ```sql
    CREATE UNLOGGED TABLE session (id uuid PRIMARY KEY, seen_at timestamptz);
    ```

    ## Use instead

    ```sql
    CREATE TABLE session (id uuid PRIMARY KEY, seen_at timestamptz);
    ```

    ```python
    op.create_table(
        "session",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
    )
    ```

    ## When it is safe

    For what can be computed again at any time: a cache, or rows on their way in.

    ## References

    - PostgreSQL manual, "CREATE TABLE", UNLOGGED
    """
    why = "a crash or a switch to a replica empties it"
    for new in new_tables(context):
        if new.table.persistence is Persistence.UNLOGGED:
            name = new.event.before.resolve_new(new.action.table)
            yield context.finding(new.event, f'table "{name}" is unlogged', why=why)
