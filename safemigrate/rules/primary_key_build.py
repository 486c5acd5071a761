"""A primary key that is built, or checked for NULL, with the table shut."""

from collections.abc import Iterator

from safemigrate.facts import has_value, may_hide_partitions
from safemigrate.model import Certainty, Confidence, ConstraintKind, Finding, Severity
from safemigrate.rulekit import Context, Family, NewConstraint, new_constraints, rule

__all__ = ["primary_key_build"]


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def primary_key_build(context: Context) -> Iterator[Finding]:
    """Adding a primary key reads the whole table with everybody shut out.

    ## What it does

    Finds `ADD PRIMARY KEY` without `USING INDEX`, `USING INDEX` over a column that may be NULL,
    and `ADD COLUMN … PRIMARY KEY`, on a table that was there before the migration.
    Of a new column without a value, required-column-without-default speaks.

    ## Why is this unsafe?

    The statement takes ACCESS EXCLUSIVE and keeps it while it builds the index.
    With `USING INDEX` there is nothing to build, but the columns of a primary key become NOT NULL:
    the whole table is read to see whether any is NULL, unless that is known.
    Every SELECT and every write waits all that time.

    ## Example

    ```sql
    ALTER TABLE recipe ADD PRIMARY KEY (id);
    ```

    ## Use instead

    ```sql
    -- where id may be NULL, first, each in a transaction of its own:
    ALTER TABLE recipe ADD CONSTRAINT recipe_id_check CHECK (id IS NOT NULL) NOT VALID;
    ALTER TABLE recipe VALIDATE CONSTRAINT recipe_id_check;
    ALTER TABLE recipe ALTER COLUMN id SET NOT NULL;
    -- then:
    CREATE UNIQUE INDEX CONCURRENTLY recipe_pkey ON recipe (id);
    ALTER TABLE recipe ADD CONSTRAINT recipe_pkey PRIMARY KEY USING INDEX recipe_pkey;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index("recipe_pkey", "recipe", ["id"], unique=True, postgresql_concurrently=True)
    # the next revision
    op.execute("ALTER TABLE recipe ADD CONSTRAINT recipe_pkey PRIMARY KEY USING INDEX recipe_pkey")
    ```

    A partitioned table takes no `USING INDEX`: give each partition its key in this way first, and
    the parent takes them over.

    ## When it is safe

    On a table that the same migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", ADD table_constraint_using_index
    """
    for new in new_constraints(context):
        facts = new.event.facts
        if new.definition.kind is not ConstraintKind.PRIMARY_KEY:
            continue
        if new.column is not None and not has_value(new.column):
            continue
        is_hidden = may_hide_partitions(new.event.before, new.table)
        is_unsure = is_hidden or facts.certainty is Certainty.UNKNOWN
        if context.is_new(new.event, new.table) or not (facts.scans or is_unsure):
            continue
        yield context.finding(
            new.event,
            f'making "{new.name}" the primary key {_describe(new)} with everybody shut out',
            why=(
                f"ACCESS EXCLUSIVE on {new.table} is held while every row is read: all reads and "
                "writes wait"
            ),
            remedy=new.remedy,
            confidence=None if facts.scans else Confidence.LOW,
        )


def _describe(new: NewConstraint) -> str:
    if new.definition.index is None:
        return f'builds an index of "{new.table}"'
    return f'looks through "{new.table}" for NULL'
