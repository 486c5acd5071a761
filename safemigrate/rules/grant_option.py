"""Privileges that their holder can hand on."""

from collections.abc import Iterator

from safemigrate.model import ChangePrivileges, Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_grantees, rule

__all__ = ["grant_option"]


@rule(
    family=Family.SECURITY,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def grant_option(context: Context) -> Iterator[Finding]:
    """WITH GRANT OPTION lets a role hand on what it has, and no migration shows to whom.

    ## What it does

    Finds `GRANT … WITH GRANT OPTION`. An opinion, and off until the project selects it.

    ## Why is this unsafe?

    Who may read a table then stands in the database alone. REVOKE fails while others hold what
    was handed on, or takes it from all of them with CASCADE.

    ## Example

    ```sql
    GRANT SELECT ON recipe TO app WITH GRANT OPTION;
    ```

    ## Use instead

    ```sql
    GRANT SELECT ON recipe TO app;
    ```

    ```python
    op.execute("GRANT SELECT ON recipe TO app")
    ```

    ## When it is safe

    For a role whose task it is to give out privileges.

    ## References

    - PostgreSQL manual, "GRANT"
    """
    for event, action in context.events(ChangePrivileges):
        if action.is_revoke or not action.has_grant_option:
            continue
        yield context.finding(
            event,
            f"with the grant option, {name_grantees(action)} can hand the privilege on",
            why="no migration shows who gets it then, and REVOKE fails while others hold it",
            remedy=Remedy("leave WITH GRANT OPTION out"),
        )
