"""Dropping a schema with all that is in it."""

from collections.abc import Iterator

from safemigrate.model import Confidence, DropSchema, Event, Finding, Severity
from safemigrate.recipes import drop_schema_later
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, join_words, rule

__all__ = ["dropped_schema"]


@rule(family=Family.DATA_LOSS, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_schema(context: Context) -> Iterator[Finding]:
    """Dropping a schema takes along all its tables, their rows, and the code that uses them.

    ## What it does

    Finds `DROP SCHEMA … CASCADE` in an upgrade, of a schema that was there before the migration.

    ## Why is this unsafe?

    Everything in the schema goes, and so do foreign keys, views and columns elsewhere that depend
    on it. The rows are gone, and a downgrade cannot bring them back.
    While a release rolls out, the one before it still runs, and fails from the moment of the
    commit. Every table, and every table at the other end of a foreign key, is held under
    ACCESS EXCLUSIVE.

    ## Example

    ```sql
    DROP SCHEMA kitchen CASCADE;
    ```

    ## Use instead

    Take what is in it out of the code, deploy that everywhere, and drop it in a later release: the
    tables one by one, and then the schema without CASCADE, or all at once with a reason.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[dropped-schema] nothing in it used since release 4.2
    DROP SCHEMA kitchen CASCADE;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[dropped-schema] nothing in it used since release 4.2
    op.execute("DROP SCHEMA kitchen CASCADE")
    ```

    ## When it is safe

    Without CASCADE the server refuses to drop a schema that is not empty, so nothing is found; nor
    on a schema that the same migration creates.
    With `IF EXISTS`, a schema that the history does not show is found with low confidence.

    ## References

    - PostgreSQL manual, "DROP SCHEMA"
    """
    for event, action in context.events(DropSchema):
        if not action.is_cascade or context.is_new_schema(event, action.name):
            continue
        shown = list(_shown(event, action.name))
        is_doubtful = action.takes_missing and action.name not in event.before.schemas
        what = f"the history shows {join_words(shown)} in it, and " if shown else ""
        yield context.finding(
            event,
            f'dropping schema "{action.name}" takes along everything in it',
            why=(
                f"{what}what the history does not show goes as well; the release that runs "
                "meanwhile still uses it, and the rows are gone for good"
            ),
            remedy=drop_schema_later(action, context.rule),
            confidence=Confidence.LOW if is_doubtful else Confidence.HIGH,
        )


def _shown(event: Event, schema: str) -> Iterator[str]:
    for table in event.before.tables.values():
        if table.name.schema == schema:
            yield str(table.name)
