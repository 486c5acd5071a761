"""An ignore comment that has nothing to silence."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.rulekit import Context, Family, leave_to_engine, rule

__all__ = ["unused_ignore"]


@rule(family=Family.SUPPRESSIONS, severity=Severity.WARNING, since="0.1.0")
def unused_ignore(context: Context) -> Iterator[Finding]:
    """An ignore that silences nothing today may silence a real finding tomorrow.

    ## What it does

    Finds `safemigrate: ignore[rule-name] reason` comments where the rule has nothing to say, on
    that line or on the statement below.
    Rules that the configuration turns off are left out.

    ## Why is this unsafe?

    The statement was changed and the comment stayed, or it stands in the wrong place, and what it
    was meant for is reported all the same.

    ## Example

    ```sql
    -- safemigrate: ignore[dropped-table] unused since release 4.2
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ```python
    op.add_column("recipe", sa.Column("origin", sa.Text()))
    ```

    ## When it is safe

    Never harmful by itself; take the comment out, or put it where it belongs.

    ## References

    - `safemigrate rule NAME` shows the comment for each rule
    """
    yield from leave_to_engine(context)
