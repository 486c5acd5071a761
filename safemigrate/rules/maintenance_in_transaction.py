"""Maintenance that the server refuses inside a transaction."""

from collections.abc import Iterator

from safemigrate.model import (
    ChangeCluster,
    Cluster,
    Confidence,
    Event,
    Finding,
    Reindex,
    Severity,
    Vacuum,
)
from safemigrate.recipes import run_outside
from safemigrate.rulekit import Context, Family, rule

__all__ = ["maintenance_in_transaction"]


@rule(family=Family.TRANSACTIONS, severity=Severity.ERROR, since="0.1.0")
def maintenance_in_transaction(context: Context) -> Iterator[Finding]:
    """VACUUM and its like are refused inside a transaction, and the migration fails.

    ## What it does

    Finds `VACUUM`, `REINDEX … CONCURRENTLY`, `REINDEX` of a schema, a database or a partitioned
    table, `CLUSTER` of all tables, `ALTER SYSTEM`, and what makes or drops a database or
    tablespace, inside a transaction. Alembic opens one for each revision.

    ## Why is this unsafe?

    These statements commit half-way, which they can only do outside a transaction.
    The server refuses them, and the deployment stops there.

    ## Example

    ```sql
    BEGIN;
    VACUUM recipe;
    COMMIT;
    ```

    ## Use instead

    ```sql
    VACUUM recipe;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.execute("VACUUM recipe")
    ```

    ## When it is safe

    Never: take it out of the transaction, also for a table that the same migration creates.

    ## References

    - PostgreSQL manual, "VACUUM", Notes
    - PostgreSQL manual, "REINDEX", Notes
    - Alembic documentation, `MigrationContext.autocommit_block`
    """
    for event in _maintenance(context):
        if event.statement.transaction is not None and event.facts.errors:
            reason = event.facts.errors[0]
            command, _, _ = reason.partition(" cannot ")
            yield context.finding(
                event,
                f"{command} fails inside a transaction",
                why=f"the server refuses it: {reason}",
                remedy=run_outside(event.statement.sql),
                # What it would lock may be unknown; that it is refused is not.
                confidence=Confidence.HIGH,
            )


def _maintenance(context: Context) -> Iterator[Event]:
    for event, _ in context.events(Reindex, Vacuum, Cluster):
        yield event
    for event, _ in context.events(ChangeCluster):
        yield event
