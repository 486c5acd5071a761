"""A UNIQUE constraint whose index is built with the table shut."""

from collections.abc import Iterator

from safemigrate.facts import may_hide_partitions
from safemigrate.model import Confidence, ConstraintKind, Finding, Severity
from safemigrate.recipes import leave_unfixed
from safemigrate.rulekit import Context, Family, new_constraints, rule

__all__ = ["unique_constraint_build"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def unique_constraint_build(context: Context) -> Iterator[Finding]:
    """Adding a UNIQUE constraint builds its index with everybody shut out.

    ## What it does

    Finds `ADD UNIQUE` without `USING INDEX`, and `ADD COLUMN … UNIQUE`, on a table that was there
    before the migration.

    ## Why is this unsafe?

    The statement takes ACCESS EXCLUSIVE and keeps it while it reads the table and builds the
    index.
    Every SELECT and every write waits all that time.
    It also fails if two rows are equal.

    ## Example

    ```sql
    ALTER TABLE recipe ADD CONSTRAINT recipe_slug_key UNIQUE (slug);
    ```

    ## Use instead

    ```sql
    CREATE UNIQUE INDEX CONCURRENTLY recipe_slug_key ON recipe (slug);
    ALTER TABLE recipe ADD CONSTRAINT recipe_slug_key UNIQUE USING INDEX recipe_slug_key;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index(
            "recipe_slug_key", "recipe", ["slug"], unique=True, postgresql_concurrently=True
        )
    # the next revision
    op.execute(
        "ALTER TABLE recipe ADD CONSTRAINT recipe_slug_key UNIQUE USING INDEX recipe_slug_key"
    )
    ```

    A partitioned table takes no `USING INDEX`: give each partition its constraint in this way
    first, and the parent takes them over.

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", ADD table_constraint_using_index
    """
    for new in new_constraints(context):
        definition = new.definition
        if definition.kind is not ConstraintKind.UNIQUE or definition.index is not None:
            continue
        is_hidden = may_hide_partitions(new.event.before, new.table)
        is_built = bool(new.event.facts.scans) or is_hidden
        if context.is_new(new.event, new.table) or not is_built:
            continue
        yield context.finding(
            new.event,
            f'adding unique constraint "{new.name}" builds an index of "{new.table}" '
            "with everybody shut out",
            why=(
                f"ACCESS EXCLUSIVE on {new.table} is held while every row is read and the index "
                "is built: all reads and writes wait"
            ),
            remedy=new.remedy,
            fix=new.fix or leave_unfixed(new.event.statement.sql, "it comes with a column"),
            confidence=None if new.event.facts.scans else Confidence.LOW,
        )
