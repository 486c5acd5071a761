"""A limit on text that is a part of its type."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.recipes import use_type
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["limited_varchar"]


@rule(
    family=Family.TYPES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def limited_varchar(context: Context) -> Iterator[Finding]:
    """A limit in varchar(n) is hard to lower, and each change of it locks the table.

    ## What it does

    Finds columns of type `varchar(n)`, and arrays of it, in new tables, new columns and changes of
    type. An opinion, and off until the project selects it; `unlimited-text` is the opposite one.

    ## Why is this unsafe?

    `varchar(n)` is stored and searched as `text` is; the limit is all that it adds.
    A limit in the type is changed by `ALTER COLUMN … TYPE` only, which shuts the table: for a
    moment to raise it, for as long as it is read or written anew to lower it, while views on the
    column forbid both. A CHECK is replaced beside running reads and writes.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN title varchar(100);
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN title text;
    ALTER TABLE recipe
        ADD CONSTRAINT recipe_title_check CHECK (char_length(title) <= 100) NOT VALID;
    -- in the next transaction:
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_title_check;
    ```

    ```python
    # one revision
    op.add_column("recipe", sa.Column("title", sa.Text()))
    op.create_check_constraint(
        "recipe_title_check", "recipe", "char_length(title) <= 100", postgresql_not_valid=True
    )
    # the next one
    op.execute("ALTER TABLE recipe VALIDATE CONSTRAINT recipe_title_check")
    ```

    ## When it is safe

    Where the limit comes from outside and will not change, as the length of an IBAN.

    ## References

    - PostgreSQL manual, "Character Types"
    - PostgreSQL wiki, "Don't Do This", Don't use varchar(n) by default
    """
    for new in new_types(context):
        if new.type.name == "character varying" and new.type.modifiers:
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" has its limit in the type '
                f"varchar({new.type.modifiers[0]})",
                why="a limit in the type is changed with the table shut, a CHECK is not",
                remedy=use_type(new.column, "text", "sa.Text()", dimensions=new.type.dimensions),
                offset=new.offset,
            )
