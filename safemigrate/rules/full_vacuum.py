"""A table that is written anew to make its file smaller."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity, Vacuum
from safemigrate.recipes import vacuum_in_place
from safemigrate.rulekit import Context, Family, rule

__all__ = ["full_vacuum"]


@rule(family=Family.REWRITES, severity=Severity.ERROR, since="0.1.0")
def full_vacuum(context: Context) -> Iterator[Finding]:
    """VACUUM FULL writes a whole table anew with everybody shut out.

    ## What it does

    Finds `VACUUM FULL` and `VACUUM (FULL)` of a table that was there before the migration, or of
    all.

    ## Why is this unsafe?

    The table and its indexes are copied under ACCESS EXCLUSIVE: all reads and writes wait for as
    long as the table is big, and the disk must hold both copies meanwhile.

    ## Example

    ```sql
    VACUUM FULL recipe;
    ```

    ## Use instead

    A plain VACUUM makes the room of dead rows usable again, which is nearly always enough. An
    extension such as pg_repack gives it back to the system with only short locks.

    ```sql
    VACUUM recipe;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.execute("VACUUM recipe")
    ```

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "VACUUM", FULL
    - PostgreSQL manual, "Routine Database Maintenance Tasks", Recovering Disk Space
    """
    for event, action in context.events(Vacuum):
        if not action.is_full:
            continue
        if action.table is not None and context.is_new(event, action.table):
            continue
        name = "every table" if action.table is None else str(event.before.resolve(action.table))
        quoted = name if action.table is None else f'"{name}"'
        yield context.finding(
            event,
            f"VACUUM FULL writes {quoted} anew with everybody shut out",
            why=(
                f"ACCESS EXCLUSIVE on {name} is held while every row is copied: all reads and "
                "writes wait"
            ),
            remedy=vacuum_in_place(action),
        )
