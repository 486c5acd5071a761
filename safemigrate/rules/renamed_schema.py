"""Renaming a schema that running code still names."""

from collections.abc import Iterator

from safemigrate.model import Finding, RenameSchema, Severity
from safemigrate.recipes import rename_schema_later
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule

__all__ = ["renamed_schema"]


@rule(family=Family.BREAKAGE, severity=Severity.ERROR, since="0.1.0", directions=UPGRADE_ONLY)
def renamed_schema(context: Context) -> Iterator[Finding]:
    """Renaming a schema breaks the code that still looks for its tables under the old name.

    ## What it does

    Finds `ALTER SCHEMA … RENAME TO` in an upgrade, of a schema that was there before the migration.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs, and every statement of its that names
    the schema, or finds its tables by `search_path`, fails from the moment of the commit; the new
    release fails until then.
    Views and foreign keys go on, but bodies of functions are text and keep the old name.

    ## Example

    ```sql
    ALTER SCHEMA kitchen RENAME TO galley;
    ```

    ## Use instead

    Let the code leave the schema's name to `search_path`, with both names in it, deploy that
    everywhere, and rename in a later release, saying which one made it possible.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[renamed-schema] both names known since release 4.2
    ALTER SCHEMA kitchen RENAME TO galley;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[renamed-schema] both names known since release 4.2
    op.execute("ALTER SCHEMA kitchen RENAME TO galley")
    ```

    ## When it is safe

    Once every running release finds its tables under both names, and on a schema that the same
    migration creates.

    ## References

    - PostgreSQL manual, "ALTER SCHEMA"
    - PostgreSQL manual, "Schemas", The Schema Search Path
    """
    for event, action in context.events(RenameSchema):
        if context.is_new_schema(event, action.name):
            continue
        yield context.finding(
            event,
            f'renaming schema "{action.name}" to "{action.new_name}" breaks code that uses the old '
            "name",
            why=(
                "the release that runs meanwhile still looks for its tables under the old name, "
                "and the new release finds none under the new one until the commit"
            ),
            remedy=rename_schema_later(action, context.rule),
        )
