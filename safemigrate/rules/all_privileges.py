"""More privileges than anybody listed."""

from collections.abc import Iterator

from safemigrate.model import ChangePrivileges, Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_grantees, name_objects, rule

__all__ = ["all_privileges"]


@rule(
    family=Family.SECURITY,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def all_privileges(context: Context) -> Iterator[Finding]:
    """GRANT ALL gives TRUNCATE, TRIGGER and REFERENCES as well, and what later versions add.

    ## What it does

    Finds `GRANT ALL` on tables. An opinion, and off until the project selects it.

    ## Why is this unsafe?

    An application needs SELECT, INSERT, UPDATE and DELETE. With TRUNCATE it can empty the table
    past all triggers and row security; with TRIGGER it can have its code run by whoever writes;
    from 17 on, ALL holds MAINTAIN, which lets it run VACUUM FULL.

    ## Example

    ```sql
    GRANT ALL ON recipe TO app;
    ```

    ## Use instead

    ```sql
    GRANT SELECT, INSERT, UPDATE, DELETE ON recipe TO app;
    ```

    ```python
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON recipe TO app")
    ```

    ## When it is safe

    For a role that maintains the table.

    ## References

    - PostgreSQL manual, "Privileges"
    """
    for event, action in context.events(ChangePrivileges):
        if action.is_revoke or action.privileges or action.kind != "TABLE":
            continue
        yield context.finding(
            event,
            f"granting ALL on {name_objects(event, action)} gives {name_grantees(action)} TRUNCATE "
            "and TRIGGER as well",
            why="an application needs SELECT, INSERT, UPDATE and DELETE, and no more",
            remedy=Remedy("list the privileges that the role needs"),
        )
