"""Dropping an extension whose functions running code still calls."""

from collections.abc import Iterator

from safemigrate.model import CreateExtension, DropObject, Finding, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, confidence_of_drop, rule

__all__ = ["dropped_extension"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_extension(context: Context) -> Iterator[Finding]:
    """Dropping an extension breaks the code that still uses its functions, types or operators.

    ## What it does

    Finds `DROP EXTENSION` in an upgrade, unless the migration itself creates the extension, before
    or afterwards. `CASCADE` is found by unknown-cascade.

    ## Why is this unsafe?

    The server refuses where a column, an index or a view needs the extension. Of the queries of
    the release that runs meanwhile it knows nothing: `crypt()`, `similarity()` or an operator is
    gone from the moment of the commit. So is what an administrator looks at, such as the rows of
    pg_stat_statements.

    ## Example

    ```sql
    DROP EXTENSION pg_trgm;
    ```

    ## Use instead

    Take what it brings out of the code, deploy that everywhere, and drop it in a later release.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-extension] unused since release 4.2
    DROP EXTENSION pg_trgm;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-extension] unused since release 4.2
    op.execute("DROP EXTENSION pg_trgm")
    ```

    ## When it is safe

    Once no running release and nobody else uses what it brings.
    With `IF EXISTS` the finding has low confidence: the extension may not be there.

    ## References

    - PostgreSQL manual, "DROP EXTENSION"
    """
    made = {action.name for _, action in context.events(CreateExtension)}
    for event, action in context.events(DropObject):
        if action.kind != "EXTENSION" or action.is_cascade or action.name.name in made:
            continue
        yield context.finding(
            event,
            f'dropping extension "{action.name.name}" breaks code that still uses what it brings',
            why="functions, types and operators of it are gone from the moment of the commit",
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="stop using it, deploy that everywhere, and drop it in a later release",
                reason="unused since release <version>",
                when="in a release after the one that stops using it",
            ),
            confidence=confidence_of_drop(event, action),
        )
