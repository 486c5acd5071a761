"""Several values in one column."""

from collections.abc import Iterator

from safemigrate.model import Finding, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, new_types, rule

__all__ = ["array_column"]


@rule(
    family=Family.TYPES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def array_column(context: Context) -> Iterator[Finding]:
    """An array column holds values that no foreign key and no unique key can see.

    ## What it does

    Finds columns of an array type in new tables, new columns and changes of type.
    An opinion, and off until the project selects it.

    ## Why is this unsafe?

    An element can reference nothing, can be there twice, and has no row to lock or to say more in.
    A change of one element writes the whole row anew, and two transactions that change two elements
    wait for each other.

    ## Example

    ```sql
    ALTER TABLE recipe ADD COLUMN tags text[];
    ```

    ## Use instead

    ```sql
    CREATE TABLE recipe_tag (
        recipe_id bigint NOT NULL REFERENCES recipe (id),
        tag text NOT NULL,
        PRIMARY KEY (recipe_id, tag)
    );
    ```

    ```python
    op.create_table(
        "recipe_tag",
        sa.Column("recipe_id", sa.BigInteger(), sa.ForeignKey("recipe.id"), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("recipe_id", "tag", name="recipe_tag_pkey"),
    )
    ```

    ## When it is safe

    For a value that is one thing with parts, and written as a whole: a vector, a path.

    ## References

    - PostgreSQL manual, "Arrays", Searching in Arrays
    """
    for new in new_types(context):
        if new.type.dimensions:
            yield context.finding(
                new.event,
                f'column "{new.column}" of "{new.table}" holds several values ({new.type})',
                why="no foreign key and no unique key sees an element, and one change writes all",
                offset=new.offset,
            )
