"""Dropping a key that ON CONFLICT and foreign keys name."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, Finding, LockMode, Severity
from safemigrate.recipes import drop_constraint_later
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    dropped_constraints,
    name_locked_tables,
    rule,
)

__all__ = ["dropped_key"]


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_key(context: Context) -> Iterator[Finding]:
    """Dropping a primary or unique key breaks ON CONFLICT, and lets in duplicates.

    ## What it does

    Finds `DROP CONSTRAINT` in an upgrade, of a primary key or unique constraint that was there
    before the migration.

    ## Why is this unsafe?

    Every `INSERT … ON CONFLICT` of the release that runs meanwhile fails without its unique index,
    and a query that expects one row finds two. The index that made look-ups fast is gone as well.
    To put the key back, every duplicate that came in must be removed first.
    `DROP CONSTRAINT` takes ACCESS EXCLUSIVE on the table: all readers and writers wait.

    ## Example

    ```sql
    ALTER TABLE recipe DROP CONSTRAINT recipe_email_key;
    ```

    ## Use instead

    Take what relies on it out of the code, deploy that everywhere, and drop it in a later release,
    saying which one.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-key] not relied on since release 4.2
    ALTER TABLE recipe DROP CONSTRAINT recipe_email_key;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-key] not relied on since release 4.2
    op.drop_constraint("recipe_email_key", "recipe")
    ```

    ## When it is safe

    Once no running release relies on it. Nothing is found where another key of the same kind over
    the same columns is there when the migration has run, and for a constraint or table that the
    same migration creates. One that the history does not show is found by dropped-constraint.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DROP CONSTRAINT
    - PostgreSQL manual, "INSERT", ON CONFLICT Clause
    """
    for each in dropped_constraints(context):
        if each.found is None or not each.is_key:
            continue
        event, action = each.event, each.action
        table = event.before.resolve(action.table)
        is_primary = each.found.kind is ConstraintKind.PRIMARY_KEY
        kind = "primary key" if is_primary else "unique constraint"
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'dropping {kind} "{action.name}" of "{table}" breaks ON CONFLICT and lets in '
            "duplicates",
            why=(
                "the release that runs meanwhile relies on it; DROP CONSTRAINT holds ACCESS "
                f"EXCLUSIVE on {tables}: all reads and writes wait until the transaction ends"
            ),
            remedy=drop_constraint_later(action, context.rule),
        )
