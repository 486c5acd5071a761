"""Text that is padded with blanks."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_type
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["char_type"]


@rule(family=Family.TYPES, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def char_type(context: Context) -> Iterator[Finding]:
    """A column of type char(n) adds blanks to its values and ignores them where text does not.

    ## What it does

    Finds columns of type `char(n)`, `character(n)` and `bpchar`, and arrays of them, in new tables,
    new columns and changes of type.

    ## Why is this unsafe?

    Shorter values are filled up with blanks, which count in `LIKE` and in regular expressions, but
    not in `=` and not in `length()`. The same value compares in one way as `char` and in another
    as `text`, and an index on the one is of no use to a query that says the other.
    It rejects no value that is too short, so it does not even hold a code to its length.
    Changing the type later rewrites the table.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN country char(2);
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN country text;
    ALTER TABLE recipe
        ADD CONSTRAINT recipe_country_check CHECK (char_length(country) = 2) NOT VALID;
    -- in the next transaction:
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_country_check;
    ```

    ```python
    # one revision
    op.add_column("recipe", sa.Column("country", sa.Text()))
    op.create_check_constraint(
        "recipe_country_check", "recipe", "char_length(country) = 2", postgresql_not_valid=True
    )
    # the next one
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_country_check")
    ```

    ## When it is safe

    To keep a column as another system has it, where values are compared as that system does.
    The one-byte type `"char"`, in quotes, is something else, and not found.

    ## References

    - PostgreSQL manual, "Character Types"
    - PostgreSQL wiki, "Don't Do This", Don't use char(n)
    """
    for new in new_types(context):
        if new.type.name == "character":
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" is {new.type}, which is padded with '
                "blanks",
                why="the blanks count in LIKE and regular expressions, but not in = and length()",
                remedy=use_type(new.column, "text", "sa.Text()", dimensions=new.type.dimensions),
                offset=new.offset,
            )
