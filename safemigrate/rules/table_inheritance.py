"""Tables that inherit from others."""

from collections.abc import Iterator

from safemigrate.model import CreateTable, Finding, Severity
from safemigrate.recipes import separate_from_parent
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, join_words, rule

__all__ = ["table_inheritance"]


@rule(family=Family.DESIGN, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def table_inheritance(context: Context) -> Iterator[Finding]:
    """Keys and references of a parent table do not hold for the rows of those that inherit from it.

    ## What it does

    Finds `CREATE TABLE … INHERITS`. Partitions are something else.
    Of `ALTER TABLE … INHERIT`, changed-inheritance speaks.

    ## Why is this unsafe?

    The rows of the child are read with the parent's, but its primary key, unique keys, foreign
    keys and indexes do not reach them: two rows can have one id, and a foreign key to the parent
    does not see the child's rows. Each change of the parent locks all children as well.

    ## Example

    ```sql
    CREATE TABLE soup (heat integer) INHERITS (recipe);
    ```

    ## Use instead

    A column that says the kind, a table that references the parent, or partitions:

    ```sql
    CREATE TABLE soup (
        recipe_id bigint PRIMARY KEY REFERENCES recipe (id),
        heat integer
    );
    ```

    ```python
    op.create_table(
        "soup",
        sa.Column("recipe_id", sa.BigInteger(), sa.ForeignKey("recipe.id"), primary_key=True),
        sa.Column("heat", sa.Integer()),
    )
    ```

    ## When it is safe

    Where the parent has no rows, no keys that matter, and nothing references it.

    ## References

    - PostgreSQL manual, "Inheritance", Caveats
    """
    for event, action in context.events(CreateTable):
        if not action.inherits:
            continue
        parents = join_words([f'"{event.before.resolve(one)}"' for one in action.inherits])
        yield context.finding(
            event,
            f'table "{event.before.resolve_new(action.table)}" inherits from {parents}',
            why="the parent's keys, foreign keys and indexes do not reach the child's rows",
            remedy=separate_from_parent(action, event.before),
        )
