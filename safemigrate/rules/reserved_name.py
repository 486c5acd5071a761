"""Names that are words of SQL."""

from collections.abc import Iterator

from safemigrate.model import Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, is_reserved_name, new_names, rule

__all__ = ["reserved_name"]


@rule(family=Family.NAMING, severity=Severity.INFO, since="0.1.0", directions=UPGRADE_ONLY)
def reserved_name(context: Context) -> Iterator[Finding]:
    """A name that is a word of SQL means something else, or nothing, wherever its quotes are lost.

    ## What it does

    Finds tables, views, columns, types, sequences and schemas that are made or renamed under a
    reserved word, such as `user`, `order`, `group`, `end` or `desc`.

    ## Why is this unsafe?

    Each query has to quote the name. Where one does not, most words are a syntax error, and some
    are not: `SELECT * FROM user` answers with the name of the role that is connected.

    ## Example

    ```sql
    CREATE TABLE "user" (id bigint PRIMARY KEY);
    ```

    ## Use instead

    ```sql
    CREATE TABLE account (id bigint PRIMARY KEY);
    ```

    ```python
    op.create_table("account", sa.Column("id", sa.BigInteger(), primary_key=True))
    ```

    ## When it is safe

    Where only code reads the table that quotes every name, as SQLAlchemy does.

    ## References

    - PostgreSQL manual, "SQL Key Words"
    - PostgreSQL manual, "SQL Syntax", Identifiers and Key Words
    """
    for new in new_names(context):
        # A function may be called by some of these words without quotes.
        is_bare = new.is_everyday and new.kind != "function"
        if is_bare and is_reserved_name(new.name):
            yield context.finding(
                new.event,
                f'{new.kind} "{new.name}" bears a reserved word as its name',
                why="each query has to quote it, and means something else or fails where it does "
                "not",
                remedy=Remedy(advice="take another word, or one more"),
                offset=new.offset,
            )
