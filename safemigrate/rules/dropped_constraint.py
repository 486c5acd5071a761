"""Dropping a constraint that running code relies on."""

from collections.abc import Iterator

from safemigrate.model import (
    Catalog,
    Constraint,
    ConstraintKind,
    DropConstraint,
    Finding,
    LockMode,
    Severity,
)
from safemigrate.recipes import drop_constraint_later
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    doubt_of_missing,
    name_locked_tables,
    rule,
)
from safemigrate.sql import quote_identifier

__all__ = ["dropped_constraint"]


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_constraint(context: Context) -> Iterator[Finding]:
    """Dropping a constraint lets in rows that running code takes for impossible.

    ## What it does

    Finds `DROP CONSTRAINT` in an upgrade, of a constraint that was there before the migration.

    ## Why is this unsafe?

    The release that runs meanwhile counts on the constraint: `ON CONFLICT` fails without its unique
    index, a join finds no partner, a value that cannot be is there.
    To put the constraint back, every row that came in must be repaired first.
    `DROP CONSTRAINT` takes ACCESS EXCLUSIVE on the table, and for a foreign key on the referenced
    table as well: all readers and writers of both wait.

    ## Example

    ```sql
    ALTER TABLE recipe DROP CONSTRAINT recipe_email_key;
    ```

    ## Use instead

    Take what relies on it out of the code, deploy that everywhere, and drop it in a later release,
    saying which one. To replace a CHECK, add the new one first, under another name.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-constraint] not relied on since release 4.2
    ALTER TABLE recipe DROP CONSTRAINT recipe_email_key;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-constraint] not relied on since release 4.2
    op.drop_constraint("recipe_email_key", "recipe")
    ```

    ## When it is safe

    Once no running release relies on it. Nothing is found for a constraint or table that the same
    migration creates, and for `CHECK (c IS NOT NULL)` where `c` is NOT NULL by now.
    With `IF EXISTS`, one that the history does not show is found with low confidence.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DROP CONSTRAINT
    """
    for event, action in context.events(DropConstraint):
        if context.is_new(event, action.table):
            continue
        if context.is_new_constraint(event, action.table, action.name):
            continue
        found = event.before.table(action.table)
        constraint = None if found is None else found.constraints.get(action.name)
        if constraint is not None and _is_said_by_not_null(event.before, action, constraint):
            continue
        table = event.before.resolve(action.table)
        kind = "constraint" if constraint is None else _WORDS[constraint.kind]
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'dropping {kind} "{action.name}" of "{table}" lets in what code takes for impossible',
            why=doubt_of_missing(action, is_shown=constraint is not None)
            + (
                "the release that runs meanwhile relies on it; DROP CONSTRAINT holds ACCESS "
                f"EXCLUSIVE on {tables}: all reads and writes wait until the transaction ends"
            ),
            remedy=drop_constraint_later(action, context.rule),
        )


_WORDS = {
    ConstraintKind.PRIMARY_KEY: "primary key",
    ConstraintKind.UNIQUE: "unique constraint",
    ConstraintKind.FOREIGN_KEY: "foreign key",
    ConstraintKind.CHECK: "check",
    ConstraintKind.EXCLUDE: "exclusion constraint",
    ConstraintKind.NOT_NULL: "not-null constraint",
}


def _is_said_by_not_null(catalog: Catalog, action: DropConstraint, found: Constraint) -> bool:
    """Return whether the constraint is a CHECK that NOT NULL of its columns says again."""
    if found.kind is not ConstraintKind.CHECK or found.expression is None:
        return False
    names = found.expression.not_null_columns
    said = " AND ".join(f"{quote_identifier(name)} IS NOT NULL" for name in names)
    columns = [catalog.column(action.table, name) for name in names]
    is_not_null = all(column is not None and column.is_not_null for column in columns)
    return bool(names) and said == found.expression.sql and is_not_null
