"""A foreign key that is checked for every row while writers wait."""

from collections.abc import Iterator

from safemigrate.facts import is_looked_up_at_once, may_hide_partitions
from safemigrate.model import Confidence, ConstraintKind, Finding, LockMode, Severity
from safemigrate.recipes import leave_unfixed
from safemigrate.rulekit import (
    Context,
    Family,
    NewConstraint,
    join_words,
    name_locked_tables,
    new_constraints,
    rule,
)

__all__ = ["validated_foreign_key"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def validated_foreign_key(context: Context) -> Iterator[Finding]:
    """Adding a foreign key reads both tables while all writes to them wait.

    ## What it does

    Finds `ADD FOREIGN KEY` without `NOT VALID`, and `ADD COLUMN … REFERENCES` with a default, where
    there can be rows to look up.
    A new table that rows were inserted into is found as well, because the table it references is
    read and locked.

    ## Why is this unsafe?

    The statement takes SHARE ROW EXCLUSIVE on both tables and keeps it while it looks up every
    row of the one in the other.
    INSERT, UPDATE, DELETE and MERGE on both wait all that time.

    ## Example

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT recipe_cook_fkey FOREIGN KEY (cook) REFERENCES cook (id);
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe
        ADD CONSTRAINT recipe_cook_fkey FOREIGN KEY (cook) REFERENCES cook (id) NOT VALID;
    -- in the next transaction:
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_cook_fkey;
    ```

    ```python
    # one revision
    op.create_foreign_key(
        "recipe_cook_fkey", "recipe", "cook", ["cook"], ["id"], postgresql_not_valid=True
    )
    # the next one
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_cook_fkey")
    ```

    Below 18 a partitioned table takes no `NOT VALID`: add and validate the foreign key on each
    partition first, and the parent takes them over.

    ## When it is safe

    On a table that the same migration creates and puts no rows in, with `NOT ENFORCED`, and at a
    new column without a default; `DEFAULT NULL` counts as one.

    ## References

    - PostgreSQL manual, "ALTER TABLE", ADD table_constraint and Notes
    """
    for new in new_constraints(context):
        if new.definition.kind is not ConstraintKind.FOREIGN_KEY or not _is_checked(new):
            continue
        is_hidden = may_hide_partitions(new.event.before, new.table)
        if not new.event.facts.scans and not is_hidden:
            continue
        tables = join_words([f'"{table}"' for table in new.event.facts.scans or (new.table,)])
        locked = name_locked_tables(new.event, LockMode.SHARE_ROW_EXCLUSIVE)
        yield context.finding(
            new.event,
            f'adding foreign key "{new.name}" reads all of {tables} while writes wait',
            why=(
                f"every row is looked up under SHARE ROW EXCLUSIVE or more on {locked}: INSERT, "
                "UPDATE, DELETE and MERGE wait until it is done"
            ),
            remedy=new.remedy,
            fix=new.fix or leave_unfixed(new.event.statement.sql, "it comes with a column"),
            confidence=None if new.event.facts.scans else Confidence.LOW,
        )


def _is_checked(new: NewConstraint) -> bool:
    """Return whether rows are looked up, which a new column without a default spares."""
    definition = new.definition
    if definition.is_not_valid or not definition.is_enforced:
        return False
    return new.column is None or is_looked_up_at_once(new.column)
