"""An exclusion constraint, which cannot be had without shutting the table."""

from collections.abc import Iterator

from safemigrate.facts import may_hide_partitions
from safemigrate.model import Confidence, ConstraintKind, Finding, Severity
from safemigrate.recipes import move_to_new_table
from safemigrate.rulekit import Context, Family, new_constraints, rule

__all__ = ["exclusion_constraint_build"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def exclusion_constraint_build(context: Context) -> Iterator[Finding]:
    """Adding an exclusion constraint builds its index with everybody shut out.

    ## What it does

    Finds `ADD CONSTRAINT … EXCLUDE` on a table that was there before the migration.

    ## Why is this unsafe?

    The statement takes ACCESS EXCLUSIVE and keeps it while it reads the table, builds the index
    and compares the rows with one another.
    Every SELECT and every write waits all that time.
    There is neither a concurrent form nor `USING INDEX` nor `NOT VALID` for it.

    ## Example

    ```sql
    ALTER TABLE booking ADD CONSTRAINT booking_room_excl
        EXCLUDE USING gist (room WITH =, during WITH &&);
    ```

    ## Use instead

    A new table that has the constraint from the start:

    ```sql
    CREATE TABLE new_booking (LIKE booking INCLUDING ALL);
    ALTER TABLE new_booking ADD CONSTRAINT new_booking_room_excl
        EXCLUDE USING gist (room WITH =, during WITH &&);
    ```

    ```python
    op.execute("CREATE TABLE new_booking (LIKE booking INCLUDING ALL)")
    op.create_exclude_constraint(
        "new_booking_room_excl", "new_booking", ("room", "="), ("during", "&&"), using="gist"
    )
    ```

    Then keep it in step by a trigger, copy the old rows in batches, and swap the names in one
    short transaction.

    Where the table is small enough to be shut for as long as the build takes, say so in an ignore
    comment with the reason.

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "CREATE TABLE", EXCLUDE
    - PostgreSQL manual, "ALTER TABLE", ADD table_constraint_using_index
    """
    for new in new_constraints(context):
        if new.definition.kind is not ConstraintKind.EXCLUDE:
            continue
        is_hidden = may_hide_partitions(new.event.before, new.table)
        is_built = bool(new.event.facts.scans) or is_hidden
        if context.is_new(new.event, new.table) or not is_built:
            continue
        yield context.finding(
            new.event,
            f'adding exclusion constraint "{new.name}" builds an index of "{new.table}" '
            "with everybody shut out",
            why=(
                f"ACCESS EXCLUSIVE on {new.table} is held while every row is read and the index "
                "is built: all reads and writes wait"
            ),
            remedy=move_to_new_table(new.table),
            confidence=None if new.event.facts.scans else Confidence.LOW,
        )
