"""A new table whose foreign key locks a table in use."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, CreateTable, Finding, Severity
from safemigrate.rulekit import Context, Family, rule, written_constraints

__all__ = ["foreign_key_of_new_table"]


@rule(family=Family.LOCKS, severity=Severity.INFO, since="0.1.0", is_default=False)
def foreign_key_of_new_table(context: Context) -> Iterator[Finding]:
    """Creating a table with a foreign key keeps writers of the referenced table waiting.

    ## What it does

    Finds `CREATE TABLE` with `REFERENCES` to a table that was there before the migration.
    It is off by default: the lock is short where `lock_timeout` is, and the transaction too.

    ## Why is this unsafe?

    Nobody uses the new table, but the referenced one gets triggers, under SHARE ROW EXCLUSIVE that
    is held until the transaction ends: INSERT, UPDATE, DELETE and MERGE there wait for all that
    the migration does afterwards.

    ## Example

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, cook bigint REFERENCES cook (id));
    ```

    ## Use instead

    Create the table first, and add the foreign key in a transaction that does nothing else.

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, cook bigint);
    -- in the next transaction:
    SET lock_timeout = '2s';
    ALTER TABLE dish
        ADD CONSTRAINT dish_cook_fkey FOREIGN KEY (cook) REFERENCES cook (id) NOT VALID;
    RESET lock_timeout;
    ```

    ```python
    # the next revision
    op.execute("SET LOCAL lock_timeout = '2s'")
    op.create_foreign_key(
        "dish_cook_fkey", "dish", "cook", ["cook"], ["id"], postgresql_not_valid=True
    )
    ```

    ## When it is safe

    Where the referenced table is created by the same migration, and where the transaction is short.

    ## References

    - PostgreSQL manual, "CREATE TABLE", REFERENCES
    """
    for new in written_constraints(context):
        reference = new.definition.reference
        is_key = new.definition.kind is ConstraintKind.FOREIGN_KEY and reference is not None
        if not isinstance(new.event.action, CreateTable) or not is_key or reference is None:
            continue
        far = new.event.before.resolve(reference.table)
        if far != new.table and not context.is_new(new.event, far):
            yield context.finding(
                new.event,
                f'creating "{new.table}" with foreign key "{new.name}" locks "{far}" against '
                "writers",
                why=(
                    f"SHARE ROW EXCLUSIVE on {far} is held until the transaction ends: INSERT, "
                    "UPDATE, DELETE and MERGE wait"
                ),
                offset=new.offset,
            )
