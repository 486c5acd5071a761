"""Extensions that the project does not allow."""

from collections.abc import Iterator

from safemigrate.model import CreateExtension, Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, join_words, rule

__all__ = ["unlisted_extension"]


@rule(family=Family.SECURITY, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def unlisted_extension(context: Context) -> Iterator[Finding]:
    """An extension that the project does not list may be missing where the migration runs.

    ## What it does

    Finds `CREATE EXTENSION` of one that is not in the option `allowed-extensions`. Without the
    option it finds nothing.

    ## Why is this unsafe?

    The project has listed what its servers have and its administrators have looked at. Another one
    fails the migration where its files are not installed, and runs code of its own in the server.

    ## Example

    With `allowed-extensions = ["pg_trgm"]`:

    ```sql
    CREATE EXTENSION hstore;
    ```

    ## Use instead

    Do with one that is listed, or add it to the list with those who run the servers.

    ```sql
    CREATE EXTENSION pg_trgm;
    ```

    ```python
    op.execute("CREATE EXTENSION pg_trgm")
    ```

    ## When it is safe

    Once it is in the list.

    ## References

    - PostgreSQL manual, "CREATE EXTENSION"
    """
    allowed = context.options.allowed_extensions
    for event, action in context.events(CreateExtension):
        if not allowed or action.name in allowed:
            continue
        yield context.finding(
            event,
            f'extension "{action.name}" is not among those that the project allows',
            why=f"allowed-extensions has {join_words(allowed)}",
            remedy=Remedy(
                "do without it, or add it to allowed-extensions with those who run the servers"
            ),
        )
