"""A CHECK that is tested on every row with the table shut."""

from collections.abc import Iterator

from safemigrate.facts import may_hide_partitions
from safemigrate.model import Confidence, ConstraintKind, Finding, Severity
from safemigrate.recipes import leave_unfixed
from safemigrate.rulekit import Context, Family, new_constraints, rule

__all__ = ["validated_check"]

_KINDS = frozenset({ConstraintKind.CHECK, ConstraintKind.NOT_NULL})


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def validated_check(context: Context) -> Iterator[Finding]:
    """Adding a CHECK reads the whole table with everybody shut out.

    ## What it does

    Finds `ADD CHECK` without `NOT VALID`, and `ADD COLUMN … CHECK`, on a table that was there
    before the migration.
    `ADD CONSTRAINT … NOT NULL` without `NOT VALID` (PostgreSQL 18) does the same and is found too.

    ## Why is this unsafe?

    The statement takes ACCESS EXCLUSIVE and keeps it while it tests every row.
    Every SELECT and every write waits all that time.
    It also fails if any row breaks the rule.

    ## Example

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT recipe_minutes_check CHECK (minutes > 0);
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT recipe_minutes_check CHECK (minutes > 0) NOT VALID;
    -- in the next transaction:
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_minutes_check;
    ```

    ```python
    # one revision
    op.create_check_constraint(
        "recipe_minutes_check", "recipe", "minutes > 0", postgresql_not_valid=True
    )
    # the next one
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_minutes_check")
    ```

    ## When it is safe

    On a table that the same migration creates, and with `NOT ENFORCED` (PostgreSQL 18).
    NOT NULL needs no look at the rows where a valid CHECK proves it already.

    ## References

    - PostgreSQL manual, "ALTER TABLE", ADD table_constraint and Notes
    """
    for new in new_constraints(context):
        definition = new.definition
        is_checked = definition.is_enforced and not definition.is_not_valid
        is_new = context.is_new(new.event, new.table)
        if definition.kind not in _KINDS or not is_checked or is_new:
            continue
        is_hidden = may_hide_partitions(new.event.before, new.table)
        if not new.event.facts.scans and not is_hidden:
            continue
        yield context.finding(
            new.event,
            f'adding constraint "{new.name}" reads all of "{new.table}" with everybody shut out',
            why=(
                f"ACCESS EXCLUSIVE on {new.table} is held while every row is tested: all reads "
                "and writes wait"
            ),
            remedy=new.remedy,
            fix=new.fix or leave_unfixed(new.event.statement.sql, "it comes with a column"),
            confidence=None if new.event.facts.scans else Confidence.LOW,
        )
