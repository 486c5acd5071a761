"""Foreign keys that delete on their own."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, Finding, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, rule, written_constraints

__all__ = ["foreign_key_cascade"]


@rule(
    family=Family.DESIGN,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def foreign_key_cascade(context: Context) -> Iterator[Finding]:
    """With ON DELETE CASCADE one DELETE takes rows of other tables along, unseen.

    ## What it does

    Finds foreign keys with `ON DELETE CASCADE`, of new tables and added to others.
    An opinion, and off until the project selects it.

    ## Why is this unsafe?

    How many rows a DELETE takes, and how long it holds their locks, is told by nothing in the
    statement. A row deleted by mistake is a lost row; its descendants are a lost account.
    The program's own hooks do not run for them.

    ## Example

    ```sql
    CREATE TABLE dish (
        id bigint PRIMARY KEY,
        recipe_id bigint NOT NULL REFERENCES recipe (id) ON DELETE CASCADE
    );
    ```

    ## Use instead

    ```sql
    CREATE TABLE dish (
        id bigint PRIMARY KEY,
        recipe_id bigint NOT NULL REFERENCES recipe (id) ON DELETE RESTRICT
    );
    ```

    ```python
    op.create_table(
        "dish",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column(
            "recipe_id",
            sa.BigInteger(),
            sa.ForeignKey("recipe.id", ondelete="RESTRICT"),
            nullable=False,
        ),
    )
    ```

    The program then deletes the children first, in batches where they are many.

    ## When it is safe

    Where the child is a part of the parent, and there are few of them: the lines of a bill.

    ## References

    - PostgreSQL manual, "Constraints", Foreign Keys
    """
    for new in written_constraints(context):
        reference = new.definition.reference
        is_key = new.definition.kind is ConstraintKind.FOREIGN_KEY
        if is_key and reference is not None and reference.on_delete == "CASCADE":
            far = new.event.before.resolve(reference.table)
            yield context.finding(
                new.event,
                f'foreign key "{new.name}" deletes rows of "{new.table}" along with those of '
                f'"{far}"',
                why=f"one row less in {far} can be any number of them less in {new.table}, unseen",
                offset=new.offset,
            )
