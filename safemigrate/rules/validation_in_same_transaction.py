"""A validation under a lock that was meant to be short."""

from collections.abc import Iterator

from safemigrate.model import (
    AddConstraint,
    ChangeRows,
    Event,
    Finding,
    LockMode,
    QualifiedName,
    SetNotNull,
    Severity,
    ValidateConstraint,
)
from safemigrate.recipes import fix_validation, run_apart, validate_apart
from safemigrate.rulekit import Context, Family, join_words, rule, transactions

__all__ = ["validation_in_same_transaction"]

Held = dict[QualifiedName, LockMode]


@rule(family=Family.TRANSACTIONS, severity=Severity.ERROR, since="0.1.0")
def validation_in_same_transaction(context: Context) -> Iterator[Finding]:
    """Validating in a transaction that holds a strong lock on the table keeps it shut meanwhile.

    ## What it does

    Finds `VALIDATE CONSTRAINT` behind a statement of the same transaction that holds
    SHARE ROW EXCLUSIVE or a stronger lock on a table that is read: the addition of the constraint
    `NOT VALID`, or any other change. Statements other than VALIDATE that read the whole table
    are found behind an addition `NOT VALID`. Alembic runs a revision in one transaction.

    ## Why is this unsafe?

    `VALIDATE CONSTRAINT` by itself lets reads and writes go on.
    But adding a CHECK, or a column, has taken ACCESS EXCLUSIVE, and adding a foreign key SHARE ROW
    EXCLUSIVE on both tables, and a lock is held until the transaction ends.
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
        if len(events) == 1:
            continue
        held: Held = {}
        added: Held = {}
        for event in events:
            is_validation = isinstance(event.action, ValidateConstraint)
            if not isinstance(event.action, ChangeRows):
                tables = list(_tables_held(event, held if is_validation else added))
                if tables:
                    yield _object(context, event, tables, held[tables[0]])
            strong = {
                lock.relation: max(lock.mode, held.get(lock.relation, lock.mode))
                for lock in event.facts.locks
                if lock.is_preexisting and lock.mode >= LockMode.SHARE_ROW_EXCLUSIVE
            }
            held |= strong
            if isinstance(event.action, AddConstraint) and event.action.constraint.is_not_valid:
                added |= strong


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
    what, remedy, fix = "this statement", run_apart(event.statement.sql), None
    if isinstance(event.action, ValidateConstraint):
        what, remedy = f'validating "{event.action.name}"', validate_apart(event.action)
        added = [one for one, new in context.events(AddConstraint) if new.constraint.is_not_valid]
        fix = fix_validation(event.statement, event.action, added)
    return context.finding(
        event,
        f"{what} reads all of {names} under a lock that the transaction holds already",
        why=(
            f"what came before took {mode.value} on {names}, which is held until the transaction "
            "ends: whoever that lock keeps out waits while every row is read"
        ),
        remedy=remedy,
        fix=fix,
    )
