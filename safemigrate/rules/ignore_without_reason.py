"""An ignore comment that does not say why."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.rulekit import Context, Family, leave_to_engine, rule

__all__ = ["ignore_without_reason"]


@rule(family=Family.SUPPRESSIONS, severity=Severity.ERROR, since="0.1.0")
def ignore_without_reason(context: Context) -> Iterator[Finding]:
    """An ignore without a reason cannot be reviewed, so it silences nothing.

    ## What it does

    Finds `safemigrate: ignore[rule-name]` comments with nothing behind the brackets.

    ## Why is this unsafe?

    Whoever reads the migration later cannot tell a decision from a shortcut, and copies the comment
    to where it does harm.

    ## Example

    ```sql
    -- safemigrate: ignore[dropped-table]
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

    Never; a few words are enough.

    ## References

    - `safemigrate rule NAME` shows the comment for each rule
    """
    yield from leave_to_engine(context)
