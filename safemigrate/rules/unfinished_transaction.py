"""BEGIN without COMMIT."""

from collections.abc import Iterator

from safemigrate.model import (
    Finding,
    Severity,
    TransactionControl,
    TransactionVerb,
)
from safemigrate.recipes import commit_transaction
from safemigrate.rulekit import Context, Family, rule

__all__ = ["unfinished_transaction"]


@rule(family=Family.TRANSACTIONS, severity=Severity.ERROR, since="0.1.0")
def unfinished_transaction(context: Context) -> Iterator[Finding]:
    """A transaction without COMMIT is undone when the file ends, and nothing says so.

    ## What it does

    Finds the `BEGIN` of a file of SQL whose transaction is still open where the file ends.
    A file that another tool runs in a transaction of its own is not looked at.

    ## Why is this unsafe?

    psql ends the session there, and the server undoes everything since `BEGIN`. The exit code says
    that all went well. What runs several files in one session goes on in the open transaction
    instead, and keeps every lock of it.

    ## Example

    ```sql
    BEGIN;
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ## Use instead

    ```sql
    BEGIN;
    ALTER TABLE recipe ADD COLUMN origin text;
    COMMIT;
    ```

    ```python
    # Alembic opens and commits the transaction of a revision:
    op.add_column("recipe", sa.Column("origin", sa.Text()))
    ```

    ## When it is safe

    Never: whether or not the same migration creates the tables, nothing of it stays.
    To undo on purpose, say `ROLLBACK`.

    ## References

    - PostgreSQL manual, "BEGIN"
    - PostgreSQL manual, "psql", Exit Status
    """
    migration = context.passage.migration
    if migration.revision is not None or migration.runner or not context.passage.statements:
        return
    last = context.passage.statements[-1]
    number = last.statement.transaction
    is_ended = any(
        isinstance(event.action, TransactionControl)
        and not event.is_in_body
        and event.action.verb in {TransactionVerb.COMMIT, TransactionVerb.ROLLBACK}
        for event in last.events
    )
    if number is None or is_ended:
        return
    first, *rest = [
        one for one in context.passage.statements if one.statement.transaction == number
    ]
    if not first.events:
        # what begins like BEGIN, and does not parse
        return
    yield context.finding(
        first.events[0],
        "this transaction is never committed",
        why="where the file ends, the session ends with it, and the server undoes everything since "
        "BEGIN without an error",
        remedy=commit_transaction([one.statement.sql for one in rest]),
    )
