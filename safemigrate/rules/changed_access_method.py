"""A table that is written anew in another form."""

from collections.abc import Iterator

from safemigrate.model import Confidence, Finding, SetAccessMethod, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import Context, Family, rule

__all__ = ["changed_access_method"]


@rule(family=Family.REWRITES, severity=Severity.ERROR, since="0.1.0")
def changed_access_method(context: Context) -> Iterator[Finding]:
    """Changing a table's access method writes it anew with everybody shut out.

    ## What it does

    Finds `SET ACCESS METHOD` (from 15 on) of a table that was there before the migration, to any
    method but `heap`, which tables have when nothing else is said.

    ## Why is this unsafe?

    The table and its indexes are written anew under ACCESS EXCLUSIVE: all reads and writes wait for
    as long as the table is big.

    ## Example

    ```sql
    ALTER TABLE recipe SET ACCESS METHOD pile;
    ```

    ## Use instead

    Create a table with the method, keep both in step by a trigger, copy the rows in batches, and
    swap the names. Or do it when nobody needs the table:

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[changed-access-method] nobody needs it between 2 and 3
    ALTER TABLE recipe SET ACCESS METHOD pile;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[changed-access-method] nobody needs it between 2 and 3
    op.execute("ALTER TABLE recipe SET ACCESS METHOD pile")
    ```

    ## When it is safe

    On a table that the same migration creates, and one that has the method already.

    ## References

    - PostgreSQL manual, "ALTER TABLE", SET ACCESS METHOD
    """
    for event, action in context.events(SetAccessMethod):
        if context.is_new(event, action.table) or not event.facts.rewrites:
            continue
        table = event.before.resolve(action.table)
        yield context.finding(
            event,
            f'giving "{table}" access method "{action.method}" writes it anew with everybody '
            "shut out",
            why=(
                f"ACCESS EXCLUSIVE on {table} is held while every row is written anew: all reads "
                "and writes wait"
            ),
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="copy it in batches to a table with the method, and swap the names; or do "
                "it when nobody needs it",
                reason="nobody needs it at this time",
            ),
            # It may have the method already, which no catalog of ours shows.
            confidence=Confidence.MEDIUM,
        )
