"""Syntax that the version judged for does not know."""

from collections.abc import Iterator

from safemigrate.facts import find_newer_features
from safemigrate.model import Finding, Remedy, Severity
from safemigrate.rulekit import Context, Family, rule

__all__ = ["newer_syntax"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0")
def newer_syntax(context: Context) -> Iterator[Finding]:
    """An older server refuses syntax that came with a later version.

    ## What it does

    Finds `VIRTUAL` columns, `NOT ENFORCED` and `ADD CONSTRAINT … NOT NULL` (PostgreSQL 18),
    `SET EXPRESSION` (17), `NULLS NOT DISTINCT`, `MERGE` and `SET ACCESS METHOD` (15), where the
    version that is judged for is an older one. Without `pg-version` that is the oldest supported.

    ## Why is this unsafe?

    The server refuses the statement as a syntax error, and the deployment stops there.

    ## Example

    ```sql
    MERGE INTO recipe USING draft ON recipe.id = draft.id WHEN NOT MATCHED THEN DO NOTHING;
    ```

    ## Use instead

    Say which version runs: `pg-version = 18` in the configuration. For an older one, write what it
    knows:

    ```sql
    INSERT INTO recipe (id, name) SELECT id, name FROM draft ON CONFLICT (id) DO NOTHING;
    ```

    ```python
    op.execute(
        "INSERT INTO recipe (id, name) SELECT id, name FROM draft ON CONFLICT (id) DO NOTHING"
    )
    ```

    ## When it is safe

    Where every server that it will run on is new enough.

    ## References

    - PostgreSQL manual, "Release Notes"
    """
    version = context.passage.version
    for event in context.all_events():
        for feature in find_newer_features(event.action, version):
            yield context.finding(
                event,
                f"{feature.name} came with PostgreSQL {feature.since}, and this is judged for "
                f"{version}",
                why=f"PostgreSQL {version} refuses the statement as a syntax error",
                remedy=Remedy(
                    f"set pg-version = {feature.since} in the configuration if that is what runs, "
                    "or write what the older version knows"
                ),
            )
