"""Shutting one table after the other."""

from collections.abc import Iterator

from safemigrate.model import Event, Finding, QualifiedName, Severity
from safemigrate.recipes import run_apart
from safemigrate.rulekit import Context, Family, join_words, rule, shut_tables, transactions

__all__ = ["several_tables_locked"]


@rule(family=Family.TRANSACTIONS, severity=Severity.WARNING, since="0.1.0", is_default=False)
def several_tables_locked(context: Context) -> Iterator[Finding]:
    """Shutting several tables in one transaction shuts each until the last, and may deadlock.

    ## What it does

    Finds the first statement of a transaction that takes ACCESS EXCLUSIVE on a table while the
    transaction holds it on another one. Both were there before the migration.
    Alembic runs a revision in one transaction.
    The rule is off unless it is selected: with a short `lock_timeout` most projects can live with
    it, and a revision for each table is much to ask.

    ## Why is this unsafe?

    While the transaction waits for the second table, it holds the first, and everybody waits.
    An application that uses the two in the other order waits for the migration, which waits for
    the application: a deadlock, and the server ends one of them.

    ## Example

    ```sql
    BEGIN;
    ALTER TABLE recipe ADD COLUMN origin text;
    ALTER TABLE cook ADD COLUMN origin text;
    COMMIT;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN origin text;
    -- in the next transaction:
    ALTER TABLE cook ADD COLUMN origin text;
    ```

    ```python
    # in the next revision, so that it has a transaction of its own:
    op.add_column("cook", sa.Column("origin", sa.Text()))
    ```

    ## When it is safe

    With a short `lock_timeout` and a second attempt, as `safemigrate upgrade` does it, and where
    the application is shut down meanwhile. On tables that the same migration creates.
    Nothing is found where one statement takes both locks, as dropping a foreign key does.

    ## References

    - PostgreSQL manual, "Explicit Locking", Deadlocks
    """
    for events in transactions(context):
        held: dict[QualifiedName, int] = {}
        for event in events:
            now = event.statement.ordinal
            taken = [name for name in shut_tables(event) if not _is_held(event, name, held)]
            before = [name for name, since in held.items() if since < now]
            if before and taken:
                yield _object(context, event, before, taken)
                break
            held |= dict.fromkeys(taken, now)


def _is_held(event: Event, name: QualifiedName, held: dict[QualifiedName, int]) -> bool:
    """Return whether the table, or what it is a partition of, is shut already."""
    found = event.before.table(name)
    parents = () if found is None else (found.partition_of, *found.inherits)
    return name in held or any(_is_held(event, parent, held) for parent in parents if parent)


def _object(
    context: Context, event: Event, held: list[QualifiedName], taken: list[QualifiedName]
) -> Finding:
    first, second = (join_words([f'"{name}"' for name in names]) for names in (held, taken))
    return context.finding(
        event,
        f"this shuts {second} while the transaction keeps {first} shut",
        why=f"while it waits for ACCESS EXCLUSIVE on {second}, it holds it on {first}: an "
        "application that uses them in the other order ends in a deadlock with it",
        remedy=run_apart(event.statement.sql),
    )
