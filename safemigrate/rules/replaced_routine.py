"""A function replaced under the code that calls it."""

from collections.abc import Iterator

from safemigrate.model import CreateFunction, Event, Finding, Function, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["replaced_routine"]

_WORDS = {"i": "IMMUTABLE", "s": "STABLE", "v": "VOLATILE"}


@rule(
    family=Family.BREAKAGE,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def replaced_routine(context: Context) -> Iterator[Finding]:
    """A function that is replaced changes under the release that still calls it.

    ## What it does

    Finds `CREATE OR REPLACE` of a function or procedure with the same arguments that was there
    before the migration. An opinion, and off until the project selects it.

    ## Why is this unsafe?

    The release that runs meanwhile calls the new body from the moment of the commit, and the new
    release the old one until then: both must do with both. Where the volatility changes, plans and
    indexes that rest on the old one are not made anew.

    ## Example

    ```sql
    CREATE OR REPLACE FUNCTION price(id bigint) RETURNS numeric
      LANGUAGE sql STABLE AS 'SELECT 2.5';
    ```

    ## Use instead

    Make a function of another name, or with other arguments, and drop the old one later.

    ```sql
    CREATE OR REPLACE FUNCTION price_with_tax(id bigint) RETURNS numeric
      LANGUAGE sql STABLE AS 'SELECT 2.5';
    ```

    ```python
    op.execute(
        "CREATE OR REPLACE FUNCTION price_with_tax(id bigint) RETURNS numeric "
        "LANGUAGE sql STABLE AS 'SELECT 2.5'"
    )
    ```

    ## When it is safe

    Where both releases get from the new body what they expect, as with a mended error.

    ## References

    - PostgreSQL manual, "CREATE FUNCTION"
    - PostgreSQL manual, "Function Volatility Categories"
    """
    for event, action in context.events(CreateFunction):
        old = _find(context, event, action) if action.replaces else None
        if old is None:
            continue
        change = ""
        if old.definition.volatility != action.volatility:
            words = _WORDS[old.definition.volatility], _WORDS[action.volatility]
            change = f"; it was {words[0]} and becomes {words[1]}, on which plans and indexes rest"
        yield context.finding(
            event,
            f'replacing "{event.before.resolve(action.name)}" changes it under the code that '
            "calls it",
            why=f"the release that runs meanwhile calls the new body from the commit on{change}",
            remedy=Remedy("make a function of another name, and drop this one later"),
        )


def _find(context: Context, event: Event, action: CreateFunction) -> Function | None:
    """Return the function of those arguments that was there before the migration."""
    name = event.before.resolve_new(action.name)
    for one in context.passage.before.functions.get(name, ()):
        if one.replaces(Function(action)):
            return one
    return None
