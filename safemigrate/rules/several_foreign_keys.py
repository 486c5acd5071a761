"""Several referenced tables locked by one transaction."""

from collections.abc import Iterator

from safemigrate.model import ConstraintKind, Finding, QualifiedName, Severity
from safemigrate.rulekit import (
    Context,
    Family,
    WrittenConstraint,
    join_words,
    number_transaction,
    rule,
    written_constraints,
)

__all__ = ["several_foreign_keys"]


@rule(family=Family.LOCKS, severity=Severity.WARNING, since="0.1.0", is_default=False)
def several_foreign_keys(context: Context) -> Iterator[Finding]:
    """Foreign keys to several tables in one transaction keep writers of all of them waiting.

    ## What it does

    Finds transactions whose foreign keys reference two tables or more that were there before the
    migration, also by `CREATE TABLE`.
    It is off by default: a table that joins two others is ordinary, and its locks are short where
    `lock_timeout` is.

    ## Why is this unsafe?

    Each foreign key takes SHARE ROW EXCLUSIVE on the table it references until the transaction
    ends. While it waits for the second table, writers of the first one wait as well; and a writer
    that changes both in the other order makes a deadlock.

    ## Example

    ```sql
    CREATE TABLE meal (cook bigint REFERENCES cook (id), recipe bigint REFERENCES recipe (id));
    ```

    ## Use instead

    ```sql
    CREATE TABLE meal (cook bigint REFERENCES cook (id), recipe bigint);
    -- in the next transaction:
    ALTER TABLE meal
        ADD CONSTRAINT meal_recipe_fkey FOREIGN KEY (recipe) REFERENCES recipe (id) NOT VALID;
    ```

    ```python
    # a revision of its own for each foreign key
    op.create_foreign_key(
        "meal_recipe_fkey", "meal", "recipe", ["recipe"], ["id"], postgresql_not_valid=True
    )
    ```

    ## When it is safe

    Where the referenced tables are created by the same migration, or nobody writes to them.

    ## References

    - PostgreSQL manual, "Explicit Locking", Table-Level Locks and Deadlocks
    """
    locked: dict[tuple[int | None, ...], dict[QualifiedName, WrittenConstraint]] = {}
    for new in written_constraints(context):
        reference = new.definition.reference
        if new.definition.kind is not ConstraintKind.FOREIGN_KEY or reference is None:
            continue
        far = new.event.before.resolve(reference.table)
        if far != new.table and not context.is_new(new.event, far):
            locked.setdefault(number_transaction(new.event), {}).setdefault(far, new)
    for keys in locked.values():
        if len(keys) > 1:
            second = list(keys.values())[1]
            tables = join_words([str(table) for table in keys])
            yield context.finding(
                second.event,
                f'foreign key "{second.name}" is one of several in this transaction, which lock '
                f"{tables} together",
                why=(
                    f"SHARE ROW EXCLUSIVE on {tables} is held until the transaction ends: INSERT, "
                    "UPDATE, DELETE and MERGE on the first wait while it waits for the next"
                ),
                offset=second.offset,
            )
