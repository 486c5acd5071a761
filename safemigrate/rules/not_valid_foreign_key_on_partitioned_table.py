"""What the server does not take for a partitioned table."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, Finding, Severity
from safemigrate.rulekit import Context, Family, new_constraints, rule

__all__ = ["not_valid_foreign_key_on_partitioned_table"]


@rule(family=Family.PARTITIONS, severity=Severity.ERROR, since="0.1.0")
def not_valid_foreign_key_on_partitioned_table(context: Context) -> Iterator[Finding]:
    """Below 18 the server refuses a NOT VALID foreign key on a partitioned table.

    ## What it does

    Finds `ADD FOREIGN KEY … NOT VALID` on a partitioned table, where the server is older than 18.

    ## Why is this unsafe?

    The statement fails, and the deployment stops there.

    ## Example

    ```sql
    ALTER TABLE meal
        ADD CONSTRAINT meal_cook_fkey FOREIGN KEY (cook) REFERENCES cook (id) NOT VALID;
    ```

    ## Use instead

    Add it to each partition NOT VALID and validate it there. The parent takes them over unread.

    ```sql
    ALTER TABLE meal_one
        ADD CONSTRAINT meal_cook_fkey FOREIGN KEY (cook) REFERENCES cook (id) NOT VALID;
    -- in the next transaction:
    ALTER TABLE meal_one VALIDATE CONSTRAINT meal_cook_fkey;
    -- once every partition has it:
    ALTER TABLE meal
        ADD CONSTRAINT meal_cook_fkey FOREIGN KEY (cook) REFERENCES cook (id);
    ```

    ```python
    op.create_foreign_key(
        "meal_cook_fkey", "meal_one", "cook", ["cook"], ["id"], postgresql_not_valid=True
    )
    # the next revision
    op.execute("ALTER TABLE meal_one VALIDATE CONSTRAINT meal_cook_fkey")
    ```

    ## When it is safe

    From 18 on.

    ## References

    - PostgreSQL manual, "ALTER TABLE", ADD table_constraint
    - PostgreSQL manual, "Release 18", Constraints
    """
    for new in new_constraints(context):
        definition = new.definition
        is_key = definition.kind is ConstraintKind.FOREIGN_KEY and definition.is_not_valid
        if is_key and new.event.facts.errors:
            yield context.finding(
                new.event,
                f'adding foreign key "{new.name}" NOT VALID to "{new.table}", which is '
                "partitioned, fails below PostgreSQL 18",
                why=f"the server refuses it: {new.event.facts.errors[0]}",
                remedy=new.remedy,
            )
