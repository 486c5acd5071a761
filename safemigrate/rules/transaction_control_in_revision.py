"""Ending the transaction of a revision behind Alembic's back."""

from collections.abc import Iterator, Sequence

from safemigrate.model import (
    Event,
    ExplainedStatement,
    Finding,
    Remedy,
    Severity,
    TransactionControl,
    TransactionVerb,
)
from safemigrate.recipes import run_without_transaction
from safemigrate.rulekit import Context, Family, rule

__all__ = ["transaction_control_in_revision"]


@rule(family=Family.TRANSACTIONS, severity=Severity.WARNING, since="0.1.0")
def transaction_control_in_revision(context: Context) -> Iterator[Finding]:
    """Ending a revision's transaction by SQL leaves Alembic with one that is not there.

    ## What it does

    Finds `BEGIN`, `COMMIT` and `ROLLBACK` that a revision sends as SQL. Savepoints are not found.

    ## Why is this unsafe?

    Alembic and the driver do not know of it. Whether the next statement is in a transaction depends
    on the driver: psycopg opens a new one, psycopg2 does not.
    What came before stays when the rest fails, and the version table still says the old revision;
    `ROLLBACK` undoes it, and the version table says the new one.

    ## Example

    ```python
    def upgrade() -> None:
        op.execute("COMMIT")
        op.execute("CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name)")
    ```

    ## Use instead

    ```python
    def upgrade() -> None:
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name)")
    ```

    ## When it is safe

    In a file of SQL, which says itself where its transactions begin and end. In a revision it is
    not, also when all tables are created in the same migration.

    ## References

    - Alembic documentation, `MigrationContext.autocommit_block`
    - PostgreSQL manual, "COMMIT"
    """
    if context.passage.migration.revision is None:
        return
    statements = context.passage.statements
    for at, explained in enumerate(statements):
        for event in explained.events:
            action = event.action
            if event.is_in_body or not isinstance(action, TransactionControl):
                continue
            if action.verb in _ENDS:
                yield context.finding(
                    event,
                    f"{action.verb.value} sent by a revision {_ENDS[action.verb]}",
                    why="neither Alembic nor the driver knows of it: what then is in a transaction "
                    "depends on the driver, and a failure leaves half of the revision",
                    remedy=_remedy(event, statements[at + 1 :]),
                )


_ENDS = {
    TransactionVerb.BEGIN: "begins nothing, for Alembic has opened a transaction",
    TransactionVerb.COMMIT: "ends the transaction that Alembic has opened",
    TransactionVerb.ROLLBACK: "undoes what the revision did so far",
}


def _remedy(event: Event, later: Sequence[ExplainedStatement]) -> Remedy:
    """Return how to run what comes next; after BEGIN there is nothing to do but to leave it out."""
    is_begin = event.action == TransactionControl(TransactionVerb.BEGIN)
    if is_begin:
        return Remedy("leave it out: Alembic opens a transaction for each revision")
    for explained in later[:1]:
        if not any(isinstance(each.action, TransactionControl) for each in explained.events):
            return run_without_transaction(explained.statement.sql)
    return run_without_transaction("")
