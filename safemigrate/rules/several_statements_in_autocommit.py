"""What a failure in the middle leaves behind."""

from collections.abc import Iterator

from safemigrate.model import DropIndex, Event, Finding, Remedy, Severity
from safemigrate.rulekit import Context, Family, is_repeatable, rule

__all__ = ["several_statements_in_autocommit"]


@rule(family=Family.TRANSACTIONS, severity=Severity.INFO, since="0.1.0")
def several_statements_in_autocommit(context: Context) -> Iterator[Finding]:
    """A failure between two statements of an autocommit block leaves half of the revision.

    ## What it does

    Finds the second statement that a revision runs outside a transaction, where neither it nor
    the one before can be run twice: what creates without `IF NOT EXISTS`, what drops without
    `IF EXISTS`, what renames. An index may be created behind a `DROP INDEX … IF EXISTS` of it.

    ## Why is this unsafe?

    Each statement is committed by itself. When one fails, those before it stay, while the version
    table says that the revision has not run. The next attempt fails at the first of them, on what
    is already there, until somebody repairs it by hand.

    ## Example

    ```python
    def upgrade() -> None:
        with op.get_context().autocommit_block():
            op.create_index("recipe_name_idx", "recipe", ["name"], postgresql_concurrently=True)
            op.create_index("cook_name_idx", "cook", ["name"], postgresql_concurrently=True)
    ```

    ## Use instead

    ```python
    def upgrade() -> None:
        with op.get_context().autocommit_block():
            op.create_index("recipe_name_idx", "recipe", ["name"], postgresql_concurrently=True)


    # and the other index in the next revision
    ```

    ## When it is safe

    Where somebody watches and knows what to undo. It is no matter whether the tables are created in
    the same migration. A failed `CREATE INDEX CONCURRENTLY` leaves an invalid index in any case,
    which must be dropped first.

    ## References

    - Alembic documentation, `MigrationContext.autocommit_block`
    - PostgreSQL manual, "CREATE INDEX", Building Indexes Concurrently
    """
    if context.passage.migration.revision is None:
        return
    first: Event | None = None
    dropped: set[str] = set()
    for event in context.all_events():
        if event.is_in_transaction:
            continue
        if isinstance(event.action, DropIndex) and event.action.takes_missing:
            dropped.add(event.action.index.name)
        if is_repeatable(event.action, dropped):
            continue
        if first is not None and first.statement.ordinal < event.statement.ordinal:
            line = first.statement.span.line
            yield context.finding(
                event,
                f"if this fails, what line {line} did stays, and the revision cannot run again",
                why=f"both are outside a transaction; the next attempt fails at line {line}, on "
                "what is already done",
                remedy=Remedy("give it a revision of its own, or let the first bear to run twice"),
            )
            return
        first = first or event
