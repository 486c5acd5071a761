"""References that a row may do without."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, Finding, QualifiedName, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, join_words, rule, written_constraints

__all__ = ["nullable_foreign_key"]


@rule(
    family=Family.DESIGN,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def nullable_foreign_key(context: Context) -> Iterator[Finding]:
    """A foreign key over a column that may be NULL lets rows belong to nobody.

    ## What it does

    Finds foreign keys, of new tables and added to others, with a column that may be NULL.
    Not those of a table to itself, where the first row has nothing to reference.
    An opinion, and off until the project selects it.
    A column that the same migration, or a later one of the history, makes NOT NULL is not found.

    ## Why is this unsafe?

    A NULL references nothing, and nothing is checked: not even the other columns of a key of
    several. An inner join silently leaves such rows out.

    ## Example

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, recipe_id bigint REFERENCES recipe (id));
    ```

    ## Use instead

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, recipe_id bigint NOT NULL REFERENCES recipe (id));
    ```

    ```python
    op.create_table(
        "dish",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("recipe_id", sa.BigInteger(), sa.ForeignKey("recipe.id"), nullable=False),
    )
    ```

    In a table with rows, add the column nullable, fill it, and make it NOT NULL later.

    ## When it is safe

    Where some rows truly belong to nobody.

    ## References

    - PostgreSQL manual, "Constraints", Foreign Keys
    """
    for new in written_constraints(context):
        definition = new.definition
        if definition.kind is not ConstraintKind.FOREIGN_KEY or definition.reference is None:
            continue
        far = new.event.before.resolve(definition.reference.table)
        columns = [
            f'"{column}"'
            for column in definition.columns
            if far != new.table and _is_nullable(context, new.table, column)
        ]
        if columns:
            yield context.finding(
                new.event,
                f'foreign key "{new.name}" of "{new.table}" lets {join_words(columns)} be NULL',
                why=f"a row with NULL references no row of {far}, and inner joins leave it out",
                offset=new.offset,
            )


def _is_nullable(context: Context, table: QualifiedName, column: str) -> bool:
    """Return whether the column may be NULL after the migration, and when the history has run."""
    found = context.passage.after.column(table, column)
    later = context.end.column(table, column)
    return found is not None and not found.is_not_null and not (later and later.is_not_null)
