"""Names that have to be quoted."""

from collections.abc import Iterator

from safemigrate.model import Finding, Remedy, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, is_plain_name, new_names, rule

__all__ = ["mixed_case_name"]


@rule(family=Family.NAMING, severity=Severity.INFO, since="0.1.0", directions=UPGRADE_ONLY)
def mixed_case_name(context: Context) -> Iterator[Finding]:
    """A name with capitals or blanks has to be quoted in every query for ever.

    ## What it does

    Finds tables, views, columns, types, functions, sequences and schemas that are made or renamed
    under a name that reads back as another one without quotes: with capital letters, blanks or
    signs, or a digit in front. Names in capitals that are not quoted are folded, and not found.

    ## Why is this unsafe?

    PostgreSQL folds what is not quoted to small letters. `SELECT servedAt FROM "Recipe"` looks for
    `servedat`, and does not find it. Everybody who writes SQL by hand stumbles over it, each time.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN "servedAt" timestamptz;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN served_at timestamptz;
    ```

    ```python
    op.add_column("recipe", sa.Column("served_at", sa.DateTime(timezone=True)))
    ```

    ## When it is safe

    Where only code reads the table that quotes every name, as SQLAlchemy does.

    ## References

    - PostgreSQL manual, "SQL Syntax", Identifiers and Key Words
    - PostgreSQL wiki, "Don't Do This", Don't use upper case table or column names
    """
    for new in new_names(context):
        if new.is_everyday and not is_plain_name(new.name):
            yield context.finding(
                new.event,
                f'{new.kind} "{new.name}" has to be quoted in every query',
                why="what is not quoted is folded to small letters, and then not found",
                remedy=Remedy(advice="use small letters, digits and underscores"),
                offset=new.offset,
            )
