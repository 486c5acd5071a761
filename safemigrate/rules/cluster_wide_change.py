"""What concerns the whole server, in a migration of one database."""

from collections.abc import Iterator

from safemigrate.model import ChangeCluster, Finding, Remedy, RenameObject, Severity
from safemigrate.rulekit import Context, Family, rule

__all__ = ["cluster_wide_change"]

_KINDS = frozenset({"DATABASE", "ROLE", "SYSTEM", "TABLESPACE"})
_LEFT_TO_OTHERS = frozenset({"DROP DATABASE"})


@rule(family=Family.HYGIENE, severity=Severity.WARNING, since="0.1.0")
def cluster_wide_change(context: Context) -> Iterator[Finding]:
    """A change of roles or settings of the server reaches databases that this migration is not of.

    ## What it does

    Finds what creates, alters, renames or drops a role, database or tablespace, `ALTER SYSTEM`,
    and `GRANT` and `REVOKE` of a role. `DROP DATABASE` is found by dropped-database.

    ## Why is this unsafe?

    Roles, databases and tablespaces are the server's. A second database with the same migrations
    fails at a role that is there already, and a downgrade of one drops what the other needs. Test
    servers, copies and managed services have others, or forbid it: such a migration cannot be
    proved elsewhere. ALTER SYSTEM, and all that makes or drops a database or tablespace, runs
    outside a transaction and is not taken back when the migration fails.

    ## Example

    ```sql
    CREATE ROLE app LOGIN;
    ```

    ## Use instead

    Create roles where servers are set up. A migration grants to those that are there.

    ```sql
    GRANT SELECT ON recipe TO app;
    ```

    ```python
    op.execute("GRANT SELECT ON recipe TO app")
    ```

    ## When it is safe

    Where a server never has more than one database with these migrations.

    ## References

    - PostgreSQL manual, "Database Roles"
    - PostgreSQL manual, "Managing Databases"
    """
    for event, action in context.events(ChangeCluster, RenameObject):
        match action:
            case ChangeCluster(kind=command, name=name):
                kind = command.rpartition(" ")[2]
            case RenameObject(kind=kind, name=old):
                command, name = f"ALTER {kind}", old.name
        if kind not in _KINDS or command in _LEFT_TO_OTHERS:
            continue
        named = f' "{name}"' if name else ""
        yield context.finding(
            event,
            f"{command}{named} concerns the server, not this database alone",
            why=(
                "another database of the server with the same migrations fails at it, or loses "
                "what it needs"
            ),
            remedy=Remedy("do it where servers are set up, not in a migration"),
        )
