"""Dropping a database in a migration."""

from collections.abc import Iterator

from safemigrate.model import ChangeCluster, Finding, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import Context, Family, rule

__all__ = ["dropped_database"]


@rule(family=Family.DATA_LOSS, severity=Severity.ERROR, since="0.1.0")
def dropped_database(context: Context) -> Iterator[Finding]:
    """Dropping a database loses everything in it, and no downgrade brings it back.

    ## What it does

    Finds `DROP DATABASE`.

    ## Why is this unsafe?

    All tables and rows are gone at once: it runs outside a transaction, and cannot be rolled back.
    A migration runs in one database and drops another, in every environment that has one of that
    name. With FORCE, whoever is connected to it is thrown out.

    ## Example

    ```sql
    DROP DATABASE pantry;
    ```

    ## Use instead

    Drop a database by hand, once nobody has connected to it for long and a backup of it has been
    read back; or say so.

    ```sql
    -- safemigrate: ignore[dropped-database] nobody has connected since release 4.2
    DROP DATABASE pantry;
    ```

    ```python
    with op.get_context().autocommit_block():
        # safemigrate: ignore[dropped-database] nobody has connected since release 4.2
        op.execute("DROP DATABASE pantry")
    ```

    ## When it is safe

    Never as a part of a migration.

    ## References

    - PostgreSQL manual, "DROP DATABASE"
    """
    for event, action in context.events(ChangeCluster):
        if action.kind != "DROP DATABASE":
            continue
        yield context.finding(
            event,
            f'dropping database "{action.name}" loses everything in it',
            why="it cannot be rolled back, and runs in every environment of this migration",
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="drop it by hand, once nobody uses it and a backup has been read back",
                reason="nobody has connected since release <version>",
                when="once nobody has connected to it for long",
                is_outside=True,
            ),
        )
