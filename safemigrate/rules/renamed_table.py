"""Renaming a table that running code still calls by its name."""

from collections.abc import Iterator

from safemigrate.model import (
    CreateView,
    Event,
    Finding,
    LockMode,
    QualifiedName,
    RenameTable,
    SetSchema,
    Severity,
)
from safemigrate.recipes import new_name_of, rename_behind_view
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_locked_tables, rule

__all__ = ["renamed_table"]


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def renamed_table(context: Context) -> Iterator[Finding]:
    """Renaming a table breaks the code that still calls it by its old name.

    ## What it does

    Finds `ALTER TABLE … RENAME TO` and `ALTER TABLE … SET SCHEMA` in an upgrade, on a table or
    view that was there before the migration.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs, and every statement of its that names
    the table fails from the moment of the commit; the new release fails until then.

    ## Example

    ```sql
    ALTER TABLE recipe RENAME TO dish;
    ```

    ## Use instead

    Leave a view under the old name, in the same transaction, and drop it releases later.
    PostgreSQL passes INSERT, UPDATE and DELETE through such a view to the table.

    ```sql
    BEGIN;
    SET LOCAL lock_timeout = '2s';
    ALTER TABLE recipe RENAME TO dish;
    CREATE VIEW recipe AS SELECT * FROM dish;
    COMMIT;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.rename_table("recipe", "dish")
    op.execute("CREATE VIEW recipe AS SELECT * FROM dish")
    ```

    ## When it is safe

    When the same transaction creates a view of it under the old name, as above, and on a table
    that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", RENAME and SET SCHEMA
    - PostgreSQL manual, "CREATE VIEW", Updatable Views
    """
    for event, action in context.events(RenameTable, SetSchema):
        if context.is_new(event, action.table):
            continue
        if event.before.names_index(action.table):
            continue
        table = event.before.resolve(action.table)
        new = new_name_of(action, table)
        if _has_view(context, event, table, new):
            continue
        tables = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
        yield context.finding(
            event,
            f'renaming "{table}" to "{new}" breaks code that uses the old name',
            why=(
                "the release that runs meanwhile still uses the old name; the rename holds ACCESS "
                f"EXCLUSIVE on {tables} until the transaction ends"
            ),
            remedy=rename_behind_view(action),
        )


def _has_view(context: Context, event: Event, old: QualifiedName, new: QualifiedName) -> bool:
    """Return whether a view of the table takes over the old name in the same transaction."""
    transaction, ordinal = event.statement.transaction, event.statement.ordinal
    return transaction is not None and any(
        later.statement.transaction == transaction
        and later.statement.ordinal > ordinal
        and later.before.resolve(view.view) == old
        and new in map(later.before.resolve, view.reads)
        for later, view in context.events(CreateView)
    )
