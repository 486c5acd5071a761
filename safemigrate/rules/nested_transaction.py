"""BEGIN in a transaction, and COMMIT without one."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity, TransactionControl, TransactionVerb
from safemigrate.rulekit import Context, Family, rule

__all__ = ["nested_transaction"]


@rule(family=Family.TRANSACTIONS, severity=Severity.WARNING, since="0.1.0")
def nested_transaction(context: Context) -> Iterator[Finding]:
    """BEGIN inside a transaction begins nothing, and the first COMMIT ends it all.

    ## What it does

    Finds in files of SQL a `BEGIN` behind a `BEGIN` that nothing has ended, and a `COMMIT` or
    `ROLLBACK` where there is no transaction.
    In files of a tool that opens a transaction around them, as goose and dbmate do, finds each of
    them that stands in that transaction.

    ## Why is this unsafe?

    The server only warns. A second `BEGIN` is ignored, so the first `COMMIT` ends the transaction,
    and what comes behind it runs statement by statement: a failure there leaves half of it.
    A `COMMIT` without a transaction says that somebody was wrong about what belongs together.
    One in the transaction of a tool ends it before the tool has noted that the file ran.

    ## Example

    ```sql
    BEGIN;
    ALTER TABLE recipe ADD COLUMN origin text;
    BEGIN;
    ALTER TABLE cook ADD COLUMN origin text;
    COMMIT;
    COMMIT;
    ```

    ## Use instead

    One transaction, or one after the other. A part that is to be undone by itself is a savepoint.

    ```sql
    BEGIN;
    ALTER TABLE recipe ADD COLUMN origin text;
    COMMIT;
    BEGIN;
    ALTER TABLE cook ADD COLUMN origin text;
    COMMIT;
    ```

    ```python
    # Alembic opens one transaction for each revision, and none inside it:
    op.add_column("recipe", sa.Column("origin", sa.Text()))
    ```

    ## When it is safe

    Never of use: take the superfluous command out. It makes no difference that the same migration
    creates the tables.

    ## References

    - PostgreSQL manual, "BEGIN", Notes
    - PostgreSQL manual, "COMMIT", Notes
    """
    migration = context.passage.migration
    begun: set[int | None] = set()
    for event, action in context.events(TransactionControl):
        if migration.revision is not None:
            # transaction-control-in-revision finds them all.
            return
        if event.is_in_body or action.verb is TransactionVerb.SAVEPOINT:
            continue
        transaction = event.statement.transaction
        if transaction == _FIRST and context.passage.direction in migration.wrapped:
            yield context.finding(
                event,
                f"{action.verb.value} inside the transaction that {migration.runner} opens "
                f"{_IN_WRAPPED[action.verb]}",
                why="the server takes it for one of the tool's own: what comes behind the first "
                "COMMIT or ROLLBACK runs outside that transaction, and a failure there leaves half "
                "of the migration",
            )
        elif action.verb is TransactionVerb.BEGIN and transaction in begun:
            yield context.finding(
                event,
                "BEGIN inside a transaction begins nothing",
                why="the server ignores it with a warning; the next COMMIT ends the transaction "
                "from the first BEGIN on, and what follows runs outside one",
            )
        elif action.verb is not TransactionVerb.BEGIN and transaction is None:
            yield context.finding(
                event,
                f"{action.verb.value} where there is no transaction ends nothing",
                why="the server ignores it with a warning; every statement before it has been "
                "committed by itself, and a failure would have left half of them",
            )
        begun.add(transaction)


# The number of the transaction that a tool opens.
_FIRST = 1

_IN_WRAPPED = {
    TransactionVerb.BEGIN: "begins nothing",
    TransactionVerb.COMMIT: "ends it too early",
    TransactionVerb.ROLLBACK: "undoes what the file did so far",
}
