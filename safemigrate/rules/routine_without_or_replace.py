"""A function that cannot be created twice."""

from collections.abc import Iterator

from safemigrate.model import CreateFunction, DropObject, Finding, Remedy, Severity
from safemigrate.rulekit import ROUTINES, Context, Family, rule

__all__ = ["routine_without_or_replace"]


@rule(
    family=Family.HYGIENE,
    severity=Severity.INFO,
    since="0.1.0",
    is_default=False,
)
def routine_without_or_replace(context: Context) -> Iterator[Finding]:
    """CREATE FUNCTION without OR REPLACE fails when a migration that broke off is run again.

    ## What it does

    Finds `CREATE FUNCTION` and `CREATE PROCEDURE` without `OR REPLACE`, unless the migration drops
    one of that name before. An opinion, and off until the project selects it.

    ## Why is this unsafe?

    Outside a transaction, what ran before the failing statement stays. The second run then ends at
    a function that is there already. With OR REPLACE it goes on, and grants and comments stay.

    ## Example

    ```sql
    CREATE FUNCTION price(id bigint) RETURNS numeric LANGUAGE sql AS 'SELECT 2.5';
    ```

    ## Use instead

    ```sql
    CREATE OR REPLACE FUNCTION price(id bigint) RETURNS numeric LANGUAGE sql AS 'SELECT 2.5';
    ```

    ```python
    op.execute(
        "CREATE OR REPLACE FUNCTION price(id bigint) RETURNS numeric "
        "LANGUAGE sql AS 'SELECT 2.5'"
    )
    ```

    ## When it is safe

    Where a function of that name should be found out, not replaced; then leave the rule off.

    ## References

    - PostgreSQL manual, "CREATE FUNCTION"
    """
    dropped = {
        event.before.resolve(action.name)
        for event, action in context.events(DropObject)
        if action.kind in ROUTINES
    }
    for event, action in context.events(CreateFunction):
        name = event.before.resolve_new(action.name)
        if action.replaces or name in dropped:
            continue
        yield context.finding(
            event,
            f'creating "{name}" without OR REPLACE fails where it is there already',
            why="a migration that broke off outside a transaction cannot be run again",
            remedy=Remedy("write CREATE OR REPLACE"),
        )
