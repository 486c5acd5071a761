"""Columns that may stay empty."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.model import Finding, Severity
from safemigrate.recipes import declare_column
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule, written_columns

__all__ = ["nullable_column"]


@rule(
    family=Family.DESIGN,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def nullable_column(context: Context) -> Iterator[Finding]:
    """A column that may be NULL makes every query over it answer for a case nobody thought of.

    ## What it does

    Finds columns that may be NULL, in new tables and new columns.
    An opinion, and off until the project selects it.
    A column that the same migration, or a later one of the history, makes NOT NULL is not found,
    so that a column can still come in safe steps.

    ## Why is this unsafe?

    `<>` and `NOT IN` leave rows with NULL out, a unique key admits any number of them, and the
    program must test for it wherever it reads.

    ## Example

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, title text);
    ```

    ## Use instead

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, title text NOT NULL);
    ```

    ```python
    op.create_table(
        "dish",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("title", sa.Text(), nullable=False),
    )
    ```

    In a table with rows, add it nullable, fill it, and make it NOT NULL in a later migration.

    ## When it is safe

    Where a value can be missing, as the end of what still goes on.

    ## References

    - PostgreSQL manual, "Constraints", Not-Null Constraints
    - PostgreSQL manual, "Comparison Functions and Operators"
    """
    for new in written_columns(context):
        if new.is_nullable:
            yield context.finding(
                new.event,
                f'column "{new.name}" of "{new.table}" may be NULL',
                why="comparisons leave rows with NULL out, and a unique key admits many of them",
                remedy=declare_column(
                    "declare it NOT NULL", replace(new.definition, is_not_null=True)
                ),
                offset=new.offset,
            )
