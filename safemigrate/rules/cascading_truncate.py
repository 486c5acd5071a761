"""TRUNCATE that empties tables nobody named."""

from collections.abc import Iterator

from safemigrate.model import Confidence, Finding, Severity
from safemigrate.recipes import truncate_by_name
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, cascading_truncates, join_words, rule

__all__ = ["cascading_truncate"]


@rule(family=Family.DATA_LOSS, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def cascading_truncate(context: Context) -> Iterator[Finding]:
    """TRUNCATE with CASCADE empties tables that the migration does not name.

    ## What it does

    Finds `TRUNCATE … CASCADE` in an upgrade, where tables that were there before the migration
    reference the one named, and those that reference them. The finding names them.

    ## Why is this unsafe?

    All rows of those tables go, also those that reference nothing: CASCADE follows the foreign
    keys of the tables, not of the rows. `ON DELETE` plays no part. They cannot be brought back.
    Each table is held under ACCESS EXCLUSIVE: all reads and writes wait until the transaction ends.

    ## Example

    ```sql
    TRUNCATE cook CASCADE;
    ```

    ## Use instead

    Name every table that is to be emptied, and leave CASCADE out: the server refuses where one is
    missing. Or delete the rows, in batches.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[truncated-table] rows not needed since release 4.2
    TRUNCATE cook, recipe;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[truncated-table] rows not needed since release 4.2
    op.execute("TRUNCATE cook, recipe")
    ```

    ## When it is safe

    Where nothing references the table, CASCADE does nothing: leave it out.
    Where the history does not begin with an empty database and shows nothing that references the
    table, the finding has low confidence.

    ## References

    - PostgreSQL manual, "TRUNCATE"
    """
    for each in cascading_truncates(context):
        found = each.reached
        names = join_words([f'"{name}"' for name in found]) if found else "what references it"
        yield context.finding(
            each.event,
            f'truncating "{each.table}" with CASCADE empties {names} as well',
            why=(
                "CASCADE follows the foreign keys of the tables, not of the rows: all rows go, "
                "also those that reference nothing"
                if found
                else "which tables that is, the history does not show; all their rows go"
            ),
            remedy=truncate_by_name([*each.named, *found], "truncated-table"),
            confidence=None if found else Confidence.LOW,
        )
