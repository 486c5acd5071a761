"""An ignore comment that names no rule there is."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.rulekit import Context, Family, leave_to_engine, rule

__all__ = ["ignore_of_unknown_rule"]


@rule(family=Family.SUPPRESSIONS, severity=Severity.ERROR, since="0.1.0")
def ignore_of_unknown_rule(context: Context) -> Iterator[Finding]:
    """An ignore of a rule that does not exist silences nothing, whatever its author believes.

    ## What it does

    Finds `safemigrate: ignore[…]` comments that name an unknown rule, or none at all.
    An ignore without brackets does not mean all rules.

    ## Why is this unsafe?

    A misspelt name reads as if somebody had looked at the matter and allowed it.

    ## Example

    ```sql
    -- safemigrate: ignore[drop-table] unused since release 4.2
    DROP TABLE recipe;
    ```

    ## Use instead

    ```sql
    -- safemigrate: ignore[dropped-table] unused since release 4.2
    DROP TABLE recipe;
    ```

    ```python
    # safemigrate: ignore[dropped-table] unused since release 4.2
    op.drop_table("recipe")
    ```

    ## When it is safe

    Never; `safemigrate rule` lists the names.

    ## References

    - `safemigrate rule NAME` shows the comment for each rule
    """
    yield from leave_to_engine(context)
