"""Long work on one table while another one is shut."""

from collections.abc import Iterator

from safemigrate.model import (
    ChangeRows,
    Confidence,
    CreateTable,
    CreateView,
    Event,
    Finding,
    QualifiedName,
    Severity,
    ValidateConstraint,
)
from safemigrate.recipes import run_apart
from safemigrate.rulekit import Context, Family, join_words, rule, shut_tables, transactions

__all__ = ["work_under_exclusive_lock"]


@rule(family=Family.TRANSACTIONS, severity=Severity.WARNING, since="0.1.0")
def work_under_exclusive_lock(context: Context) -> Iterator[Finding]:
    """Going on with long work in the transaction that has shut a table keeps it shut meanwhile.

    ## What it does

    Finds statements that read or write a whole table behind a statement of the same transaction
    that holds ACCESS EXCLUSIVE on another one, which was there before the migration: `VALIDATE
    CONSTRAINT`, an index, a rewrite, `CREATE TABLE … AS`, a materialized view.
    Changes of rows are found by `backfill-in-same-transaction`.
    Alembic runs a revision in one transaction.

    ## Why is this unsafe?

    A lock is held until the transaction ends. So every read and write of the first table waits
    until the work on the second is done, though it has nothing to do with it.

    ## Example

    ```sql
    BEGIN;
    ALTER TABLE recipe ADD COLUMN origin text;
    ALTER TABLE cook VALIDATE CONSTRAINT cook_age_check;
    COMMIT;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN origin text;
    -- in the next transaction:
    ALTER TABLE cook VALIDATE CONSTRAINT cook_age_check;
    ```

    ```python
    # in the next revision, or here:
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE cook VALIDATE CONSTRAINT cook_age_check")
    ```

    ## When it is safe

    Where the table that the work goes through is small.
    Where the table that is shut is one that the same migration creates; nothing is found there.

    ## References

    - PostgreSQL manual, "Explicit Locking", Table-Level Locks
    """
    for events in transactions(context):
        if len(events) == 1:
            continue
        held: dict[QualifiedName, int] = {}
        for event in events:
            now = event.statement.ordinal
            shut = [name for name, since in held.items() if since < now]
            work = _work(context, event, shut)
            if shut and work:
                yield _object(context, event, shut, work)
            held |= {name: now for name in shut_tables(event) if name not in held}


def _work(context: Context, event: Event, shut: list[QualifiedName]) -> list[QualifiedName]:
    """Return the tables that the event goes through, none of which is shut already."""
    action, facts = event.action, event.facts
    if isinstance(action, ChangeRows):
        return []
    if isinstance(action, ValidateConstraint) and any(name in shut for name in facts.scans):
        # Another rule speaks of it.
        return []
    read = [name for name in _queried(event) if not context.is_new(event, name)]
    names = dict.fromkeys((*facts.rewrites, *facts.scans, *map(event.before.resolve, read)))
    return [name for name in names if name not in shut]


def _queried(event: Event) -> tuple[QualifiedName, ...]:
    match event.action:
        case CreateTable(has_query=True) | CreateView(is_materialized=True) as action:
            return action.reads
        case _:
            # What else reads a whole table is among its scans.
            return ()


def _object(
    context: Context, event: Event, shut: list[QualifiedName], work: list[QualifiedName]
) -> Finding:
    first, second = (join_words([f'"{name}"' for name in names]) for names in (shut, work))
    are = "is" if len(shut) == 1 else "are"
    return context.finding(
        event,
        f"this goes through all of {second} while {first} {are} shut",
        why=f"what came before in the transaction holds ACCESS EXCLUSIVE on {first} until it ends: "
        "all reads and writes there wait until this is done",
        remedy=run_apart(event.statement.sql),
        # How much of it a query reads, only the planner knows.
        confidence=Confidence.MEDIUM if _queried(event) else None,
    )
