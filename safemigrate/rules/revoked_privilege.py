"""Taking a privilege from a role that runs now."""

from collections.abc import Iterator

from safemigrate.model import ChangePrivileges, Event, Finding, Severity
from safemigrate.recipes import run_in_quiet_hour
from safemigrate.rulekit import (
    ROUTINES,
    UPGRADE_ONLY,
    Context,
    Family,
    is_new_object,
    name_grantees,
    name_objects,
    name_privileges,
    rule,
)

__all__ = ["revoked_privilege"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def revoked_privilege(context: Context) -> Iterator[Finding]:
    """Revoking a privilege breaks the code that runs with it, from the moment of the commit.

    ## What it does

    Finds `REVOKE` in an upgrade, on what was there before the migration. Left out are
    `REVOKE GRANT OPTION FOR`, and CREATE on a schema from PUBLIC.

    ## Why is this unsafe?

    While a release rolls out, the one before it still runs as its role. A statement that needs the
    privilege fails, and which ones do is seen only where they run: a nightly job finds out at
    night. What PUBLIC had, every role had.

    ## Example

    ```sql
    REVOKE DELETE ON recipe FROM app;
    ```

    ## Use instead

    Take what needs it out of the code, deploy that everywhere, and revoke it in a later release.

    ```sql
    SET lock_timeout = '2s';
    -- safemigrate: ignore[revoked-privilege] not needed since release 4.2
    REVOKE DELETE ON recipe FROM app;
    RESET lock_timeout;
    ```

    ```python
    op.execute("SET LOCAL lock_timeout = '2s'")
    # safemigrate: ignore[revoked-privilege] not needed since release 4.2
    op.execute("REVOKE DELETE ON recipe FROM app")
    ```

    ## When it is safe

    Once no running release needs it, and on what the same migration creates.

    ## References

    - PostgreSQL manual, "REVOKE"
    """
    for event, action in context.events(ChangePrivileges):
        is_of_schema = action.kind == "SCHEMA" and action.privileges == ("CREATE",)
        if not action.is_revoke or action.has_grant_option:
            continue
        if (is_of_schema and action.grantees == ("public",)) or _is_new(context, event, action):
            continue
        what = f"{name_privileges(action)} on {name_objects(event, action)}"
        yield context.finding(
            event,
            f"revoking {what} from {name_grantees(action)} breaks code that needs it",
            why="the release that runs meanwhile fails at the first statement that needs it",
            remedy=run_in_quiet_hour(
                event.statement.sql,
                context.rule,
                advice="stop needing it, deploy that everywhere, and revoke it in a later release",
                reason="not needed since release <version>",
                when="in a release after the one that stops needing it",
            ),
        )


def _is_new(context: Context, event: Event, action: ChangePrivileges) -> bool:
    """Return whether all that it is about was made by this migration."""
    found = [context.is_new_schema(event, schema) for schema in action.schemas]
    for table in action.tables:
        is_sequence = is_new_object(context, event, "SEQUENCE", table)
        found.append(is_sequence or context.is_new(event, table))
    for name in action.objects:
        if action.kind == "SCHEMA":
            found.append(context.is_new_schema(event, name.name))
        else:
            kind = "FUNCTION" if action.kind in ROUTINES else action.kind
            found.append(is_new_object(context, event, kind, name))
    return bool(found) and all(found)
