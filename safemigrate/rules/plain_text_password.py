"""A password that stands in a migration."""

from collections.abc import Iterator

from safemigrate.model import ChangeCluster, Finding, Severity
from safemigrate.recipes import leave_out_password
from safemigrate.rulekit import Context, Family, rule

__all__ = ["plain_text_password"]


@rule(family=Family.SECURITY, severity=Severity.ERROR, since="0.1.0")
def plain_text_password(context: Context) -> Iterator[Finding]:
    r"""A password in a migration is known to everybody who reads the repository or the logs.

    ## What it does

    Finds `PASSWORD '…'` in `CREATE ROLE` and `ALTER ROLE`, and in their other spellings, in plain
    text. The finding does not show it.

    ## Why is this unsafe?

    It stands in the repository and its copies for ever, in the server's log when statements are
    logged, and in pg_stat_activity while it runs. All environments that the migration runs in have
    the same.

    ## Example

    ```sql
    CREATE ROLE app LOGIN PASSWORD 'open sesame';
    ```

    ## Use instead

    Create the role without a password, and set that where secrets are kept. `\\password` of psql
    sends the server what it stores, not the password.

    ```sql
    CREATE ROLE app LOGIN;
    ```

    ```python
    op.execute("CREATE ROLE app LOGIN")
    ```

    ## When it is safe

    Never. What the server stores, `SCRAM-SHA-256$…`, and `PASSWORD NULL` are not found.

    ## References

    - PostgreSQL manual, "CREATE ROLE"
    - PostgreSQL manual, "Password Authentication"
    """
    for event, action in context.events(ChangeCluster):
        if not action.has_password:
            continue
        yield context.finding(
            event,
            f'the password of role "{action.name}" stands here in plain text',
            why="everybody who reads the repository or the server's log knows it; change it now",
            remedy=leave_out_password(event.statement.sql),
        )
