"""Using a label before it is committed."""

from collections.abc import Iterator

from safemigrate.facts import find_new_labels
from safemigrate.model import AddEnumValue, Confidence, Finding, Severity
from safemigrate.recipes import add_value_apart
from safemigrate.rulekit import Context, Family, rule

__all__ = ["used_enum_value"]


@rule(family=Family.ENUMS, severity=Severity.ERROR, since="0.1.0")
def used_enum_value(context: Context) -> Iterator[Finding]:
    """A label cannot be used in the transaction that adds it, and the migration fails.

    ## What it does

    Finds statements that use a label of an enum behind the `ALTER TYPE … ADD VALUE` of the same
    transaction: as a value of a row, a default, in a CHECK, in a condition.
    Alembic runs a revision in one transaction.

    ## Why is this unsafe?

    Until the transaction is committed, the server refuses the new label wherever it stands, with
    "unsafe use of new value", SQLSTATE 55P04: an index may have to be able to forget it. The
    deployment stops there.

    ## Example

    ```sql
    BEGIN;
    ALTER TYPE course ADD VALUE 'snack';
    UPDATE recipe SET course = 'snack' WHERE id = 7;
    COMMIT;
    ```

    ## Use instead

    ```sql
    ALTER TYPE course ADD VALUE IF NOT EXISTS 'snack';
    -- in the next transaction:
    UPDATE recipe SET course = 'snack' WHERE id = 7;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE course ADD VALUE IF NOT EXISTS 'snack'")
    op.execute("UPDATE recipe SET course = 'snack' WHERE id = 7")
    ```

    ## When it is safe

    Never, for an enum that was there. From PostgreSQL 17 on, for an enum that the same transaction
    creates, which is not found; before 17 not even then. It is no matter whether the table is
    created in the same migration.

    ## References

    - PostgreSQL manual, "ALTER TYPE", Notes
    - PostgreSQL 17 release notes, Data Types
    """
    if not any(context.events(AddEnumValue)):
        return
    for event in context.all_events():
        for use in find_new_labels(event.action, event.before, context.passage.version):
            yield context.finding(
                event,
                f'"{use.label}" of enum "{use.enum}" is used in the transaction that adds it',
                why=f'the server refuses it: unsafe use of new value "{use.label}" of enum type',
                remedy=add_value_apart(use.enum, use.label, event.statement.sql),
                # Whether a text is a label, its column says, which is not always shown.
                confidence=Confidence.HIGH if use.is_sure else Confidence.MEDIUM,
            )
