"""Privileges that every role gets."""

from collections.abc import Iterator

from safemigrate.model import ChangePrivileges, Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_objects, name_privileges, rule

__all__ = ["grant_to_public"]

# What PUBLIC has anyway, or what gives no access by itself (manual: "Privileges").
_HARMLESS = {
    "DATABASE": frozenset({"CONNECT", "TEMP", "TEMPORARY"}),
    "SCHEMA": frozenset({"USAGE"}),
}
_GIVEN_BY_DEFAULT = frozenset({"DOMAIN", "FUNCTION", "LANGUAGE", "PROCEDURE", "ROUTINE", "TYPE"})


@rule(family=Family.SECURITY, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def grant_to_public(context: Context) -> Iterator[Finding]:
    """What is granted to PUBLIC every role has, also those that are created later.

    ## What it does

    Finds `GRANT … TO PUBLIC` on tables, sequences, large objects, servers and the like, `CREATE`
    on a schema or database, and `ALL`. What PUBLIC has anyway is left out: EXECUTE of functions,
    USAGE of types and languages, CONNECT and TEMPORARY of databases; and USAGE of a schema.

    ## Why is this unsafe?

    PUBLIC is every role that can log in: the reporting tool, the monitoring, and whoever gets an
    account next year. `REVOKE` from one of them has no effect as long as PUBLIC has the privilege.
    With CREATE on a schema that is in somebody's `search_path`, everybody can put a function there
    that others then call.

    ## Example

    ```sql
    GRANT SELECT ON recipe TO PUBLIC;
    ```

    ## Use instead

    Grant to a role, and make those that need it its members.

    ```sql
    GRANT SELECT ON recipe TO reader;
    ```

    ```python
    op.execute("GRANT SELECT ON recipe TO reader")
    ```

    ## When it is safe

    Where every role of the server may have it, now and later.

    ## References

    - PostgreSQL manual, "Privileges"
    - PostgreSQL manual, "Schemas", Usage Patterns
    """
    for event, action in context.events(ChangePrivileges):
        if action.is_revoke or "public" not in action.grantees or _is_harmless(action):
            continue
        what, where = name_privileges(action), name_objects(event, action)
        yield context.finding(
            event,
            f"granting {what} on {where} to PUBLIC gives it to every role",
            why="every role has it, also one created later, and no REVOKE from one role ends that",
            remedy=Remedy("grant it to a role, and make those that need it its members"),
        )


def _is_harmless(action: ChangePrivileges) -> bool:
    if action.kind in _GIVEN_BY_DEFAULT:
        return True
    return bool(action.privileges) and set(action.privileges) <= _HARMLESS.get(action.kind, set())
