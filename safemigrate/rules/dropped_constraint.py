"""Dropping a constraint that running code relies on."""

from collections.abc import Iterator

from safemigrate.model import Finding, LockMode, Severity
from safemigrate.recipes import drop_constraint_later
from safemigrate.rulekit import (
    CONSTRAINT_WORDS,
    UPGRADE_ONLY,
    Context,
    Family,
    doubt_of_missing,
    dropped_constraints,
    name_locked_tables,
    rule,
)

__all__ = ["dropped_constraint"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_constraint(context: Context) -> Iterator[Finding]:
    """Dropping a constraint lets in rows that running code takes for impossible.

    ## What it does

    Finds `DROP CONSTRAINT` in an upgrade, of a CHECK, a foreign key or an exclusion constraint that
    was there before the migration. Of primary and unique keys, dropped-key speaks.

    ## Why is this unsafe?

    The release that runs meanwhile counts on the constraint: a join finds no partner, a value that
    cannot be is there. To put it back, every row that came in must be repaired first.
    `DROP CONSTRAINT` takes ACCESS EXCLUSIVE on the table, and for a foreign key on the referenced
    table as well: all readers and writers of both wait.

    ## Example

    ```sql
    ALTER TABLE recipe DROP CONSTRAINT recipe_servings_check;
    ```

    ## Use instead

    Take what relies on it out of the code, deploy that everywhere, and drop it in a later release,
    saying which one.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-constraint] not relied on since release 4.2
    ALTER TABLE recipe DROP CONSTRAINT recipe_servings_check;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-constraint] not relied on since release 4.2
    op.drop_constraint("recipe_servings_check", "recipe")
    ```

    ## When it is safe

    Once no running release relies on it. To replace one, add the new one first, under another name,
    and validate it: nothing is found where a valid one of the same kind over the same columns is
    there when the migration has run, or one that says the same and is NOT VALID. Nor for a
    constraint or table that the same migration creates, and for `CHECK (c IS NOT NULL)` where `c`
    is NOT NULL by now.
    With `IF EXISTS`, one that the history does not show is found with low confidence.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DROP CONSTRAINT
    """
    for each in dropped_constraints(context):
        if each.is_key:
            continue
        event, action, found = each.event, each.action, each.found
        table = event.before.resolve(action.table)
        kind = "constraint" if found is None else CONSTRAINT_WORDS[found.kind]
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'dropping {kind} "{action.name}" of "{table}" lets in what code takes for impossible',
            why=doubt_of_missing(action, is_shown=found is not None)
            + (
                "the release that runs meanwhile relies on it; DROP CONSTRAINT holds ACCESS "
                f"EXCLUSIVE on {tables}: all reads and writes wait until the transaction ends"
            ),
            remedy=drop_constraint_later(action, context.rule),
        )
