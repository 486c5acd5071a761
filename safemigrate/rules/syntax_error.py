"""SQL that does not parse."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.rulekit import Context, Family, rule

__all__ = ["syntax_error"]


@rule(family=Family.SYNTAX, severity=Severity.ERROR, since="0.1.0")
def syntax_error(context: Context) -> Iterator[Finding]:
    r"""A statement that PostgreSQL cannot parse stops the migration where it stands.

    ## What it does

    Finds statements that PostgreSQL's own parser refuses, and says where it stopped.
    The parser is that of the newest supported version.

    ## Why is this unsafe?

    The server refuses the statement as well, so the migration fails, in the middle if something was
    committed before.
    Nothing else can be said about a statement that is not understood: it is counted as not judged.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUM origin text;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ## When it is safe

    Never in SQL that a server runs. psql's own commands, such as `\connect`, are not SQL: keep
    them out of the file.

    ## References

    - PostgreSQL manual, "SQL Commands"
    """
    for statement in context.passage.statements:
        if statement.syntax_error:
            reason = statement.syntax_error.removeprefix("syntax error").lstrip(": ")
            yield context.finding_at_statement(
                statement,
                f"syntax error: {reason}" if reason else "syntax error",
                why="the server refuses the statement, and nothing else can be said about it",
                offset=statement.error_offset,
            )
