"""Booleans with a third value."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.model import Expression, Finding, Severity
from safemigrate.recipes import declare_column
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule, written_columns

__all__ = ["nullable_boolean"]


@rule(
    family=Family.DESIGN,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def nullable_boolean(context: Context) -> Iterator[Finding]:
    """A boolean that may be NULL is found neither by WHERE is_vegan nor by WHERE NOT is_vegan.

    ## What it does

    Finds `boolean` columns that may be NULL, in new tables and new columns.
    An opinion, and off until the project selects it.
    A column that the same migration, or a later one of the history, makes NOT NULL is not found.

    ## Why is this unsafe?

    NULL is neither true nor false: a row with it is missing from both halves of a split, and
    programs turn it into false in some places and into an error in others.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN is_vegan boolean;
    ```

    ## Use instead

    ```sql
    ALTER TABLE recipe ADD COLUMN is_vegan boolean DEFAULT false NOT NULL;
    ```

    ```python
    op.add_column(
        "recipe",
        sa.Column("is_vegan", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    ```

    The default is stored once for all rows, so nothing is written anew.

    ## When it is safe

    Where "not known" is an answer of its own, and all queries know it.

    ## References

    - PostgreSQL manual, "Boolean Type"
    - PostgreSQL manual, "Logical Operators"
    """
    for new in written_columns(context):
        written = new.definition
        is_boolean = written.type.name == "boolean" and not written.type.dimensions
        if is_boolean and new.is_nullable:
            default = written.default or Expression("false")
            yield context.finding(
                new.event,
                f'boolean "{new.name}" of "{new.table}" may be NULL, which is a third value',
                why="a row with NULL is found neither by the condition nor by its negation",
                remedy=declare_column(
                    "declare it NOT NULL with a default",
                    replace(written, default=default, is_not_null=True),
                ),
                offset=new.offset,
            )
