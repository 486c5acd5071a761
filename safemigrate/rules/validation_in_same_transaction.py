"""A validation under the lock that NOT VALID was meant to keep short."""

from collections.abc import Iterator

from safemigrate.model import (
    AddConstraint,
    Event,
    Finding,
    LockMode,
    QualifiedName,
    Remedy,
    SetNotNull,
    Severity,
    ValidateConstraint,
)
from safemigrate.recipes import validate_apart
from safemigrate.rulekit import Context, Family, join_words, rule, transactions

__all__ = ["validation_in_same_transaction"]

Held = dict[QualifiedName, LockMode]


@rule(family=Family.TRANSACTIONS, severity=Severity.ERROR, since="0.1.0")
def validation_in_same_transaction(context: Context) -> Iterator[Finding]:
    """Validating in the transaction that adds the constraint holds its strong lock all the while.

    ## What it does

    Finds a constraint that is added `NOT VALID` and validated in one transaction, and any other
    statement that reads the whole table under the lock of such an addition.
    Alembic runs a revision in one transaction.

    ## Why is this unsafe?

    `VALIDATE CONSTRAINT` by itself lets reads and writes go on.
    But adding the constraint has taken ACCESS EXCLUSIVE for a CHECK, or SHARE ROW EXCLUSIVE on
    both tables for a foreign key, and a lock is held until the transaction ends.
    So the table is read under the strong lock, which is what `NOT VALID` was to avoid.

    ## Example

    ```sql
    BEGIN;
    ALTER TABLE recipe ADD CONSTRAINT recipe_minutes_check CHECK (minutes > 0) NOT VALID;
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_minutes_check;
    COMMIT;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT recipe_minutes_check CHECK (minutes > 0) NOT VALID;
    -- in the next transaction:
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_minutes_check;
    ```

    ```python
    # in the next revision, or here:
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_minutes_check")
    ```

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", VALIDATE CONSTRAINT and Notes
    """
    for events in transactions(context):
        held: Held = {}
        for event in events:
            tables = list(_tables_held(event, held))
            if tables:
                yield _object(context, event, tables, held[tables[0]])
            if isinstance(event.action, AddConstraint) and event.action.constraint.is_not_valid:
                held |= {lock.relation: lock.mode for lock in event.facts.locks}


def _tables_held(event: Event, held: Held) -> Iterator[QualifiedName]:
    """Yield the tables read under a lock stronger than the statement's own."""
    own = {lock.relation: lock.mode for lock in event.facts.locks}
    # SET NOT NULL takes no weaker lock, but belongs behind the validation that makes it free.
    is_always = isinstance(event.action, SetNotNull)
    for table in event.facts.scans:
        if table in held and (is_always or own.get(table, LockMode.ACCESS_SHARE) < held[table]):
            yield table


def _object(context: Context, event: Event, tables: list[QualifiedName], mode: LockMode) -> Finding:
    names = join_words([f'"{table}"' for table in tables])
    what, remedy = "this statement", Remedy("move it to the next revision, or behind COMMIT")
    if isinstance(event.action, ValidateConstraint):
        what, remedy = f'validating "{event.action.name}"', validate_apart(event.action)
    return context.finding(
        event,
        f"{what} reads all of {names} under the lock of adding a constraint",
        why=(
            f"adding it took {mode.value} on {names}, which is held until the transaction "
            "ends: whoever that lock keeps out waits while every row is read"
        ),
        remedy=remedy,
    )
