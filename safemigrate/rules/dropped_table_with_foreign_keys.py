"""Dropping a table that is tied to several others."""

from collections.abc import Iterator

from safemigrate.model import DropTable, Event, Finding, QualifiedName, Severity
from safemigrate.recipes import drop_keys_first
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, join_words, rule

__all__ = ["dropped_table_with_foreign_keys"]

_FEWEST = 2


@rule(family=Family.LOCKS, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_table_with_foreign_keys(context: Context) -> Iterator[Finding]:
    """Dropping a table shuts every table at the other end of its foreign keys, all at once.

    ## What it does

    Finds `DROP TABLE` of a table whose foreign keys, and those that reference it, tie it to two or
    more other tables that were there before the migration.

    ## Why is this unsafe?

    A foreign key has triggers on both of its tables, so dropping it takes ACCESS EXCLUSIVE on
    both. DROP TABLE takes that on all the other tables one after another, and keeps each: nobody
    reads or writes the first while it waits for the last, and transactions that use two of them in
    another order end in a deadlock.

    ## Example

    ```sql
    DROP TABLE recipe;
    ```

    ## Use instead

    Drop the foreign keys first, one by one, each in a transaction of its own, which locks one
    other table for a moment. The table goes last, and alone.

    ```sql
    SET lock_timeout = '2s';
    ALTER TABLE recipe DROP CONSTRAINT recipe_cook_id_fkey;
    ALTER TABLE recipe DROP CONSTRAINT recipe_book_id_fkey;
    DROP TABLE recipe;
    RESET lock_timeout;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = '2s'")
        op.drop_constraint("recipe_cook_id_fkey", "recipe")
        op.drop_constraint("recipe_book_id_fkey", "recipe")
        op.drop_table("recipe")
        op.execute("RESET lock_timeout")
    ```

    ## When it is safe

    Where nobody uses the other tables at that time, and on a table that the same migration
    creates.

    ## References

    - PostgreSQL manual, "Explicit Locking", Deadlocks
    """
    for event, action in context.events(DropTable):
        if context.is_new(event, action.table):
            continue
        ties = list(_ties(context, event, action))
        others = list(dict.fromkeys(other for other, _, _ in ties))
        if len(others) < _FEWEST:
            continue
        names = join_words([str(other) for other in others])
        yield context.finding(
            event,
            f'dropping "{event.before.resolve(action.table)}" shuts {len(others)} other tables '
            "as well",
            why=(
                f"its foreign keys tie it to {names}: DROP TABLE holds ACCESS EXCLUSIVE on all of "
                "them, one after another, until the transaction ends"
            ),
            remedy=drop_keys_first(action, [(table, name) for _, table, name in ties]),
        )


def _ties(
    context: Context, event: Event, action: DropTable
) -> Iterator[tuple[QualifiedName, QualifiedName, str]]:
    """Yield the other table of each foreign key, and the key by its own table and name."""
    catalog = event.before
    table = catalog.table(action.table)
    if table is None:
        return
    family = {table.name, *(child.name for child in catalog.partitions_of(table.name))}
    keys = [
        (key.references, table.name, key.name)
        for key in table.constraints.values()
        if key.references is not None
    ]
    keys += [
        (other.name, other.name, key.name) for other, key in catalog.foreign_keys_to(table.name)
    ]
    for other, near, name in keys:
        if other not in family and not context.is_new(event, other):
            yield other, near, name
