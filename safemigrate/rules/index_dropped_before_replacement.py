"""An index that is gone before the one that replaces it is there."""

from collections.abc import Iterator

from safemigrate.model import CreateIndex, DropIndex, Event, Finding, Index, Severity
from safemigrate.rulekit import Context, Family, number_transaction, rule

__all__ = ["index_dropped_before_replacement"]


@rule(family=Family.INDEXES, severity=Severity.WARNING, since="0.1.0")
def index_dropped_before_replacement(context: Context) -> Iterator[Finding]:
    """Between the drop of an index and its replacement, queries read the whole table.

    ## What it does

    Finds `DROP INDEX` of a table that was there before the migration, when a later transaction of
    the migration builds an index of the same table that begins with the same column, and no other
    index begins with it meanwhile.

    ## Why is this unsafe?

    The build takes as long as the table is big, and until it is done every query that used the old
    index reads all rows. While a unique index is away, equal rows come in, and the new one fails.

    ## Example

    ```sql
    DROP INDEX CONCURRENTLY recipe_cook_idx;
    CREATE INDEX CONCURRENTLY recipe_cook_name_idx ON recipe (cook, name);
    ```

    ## Use instead

    ```sql
    CREATE INDEX CONCURRENTLY recipe_cook_name_idx ON recipe (cook, name);
    DROP INDEX CONCURRENTLY recipe_cook_idx;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index(
            "recipe_cook_name_idx", "recipe", ["cook", "name"], postgresql_concurrently=True
        )
        op.drop_index("recipe_cook_idx", table_name="recipe", postgresql_concurrently=True)
    ```

    The new index needs another name; `ALTER INDEX … RENAME TO` gives it the old one afterwards.

    ## When it is safe

    On a table that the same migration creates, and where the index was of no use, such as an
    invalid one that a failed build has left.

    ## References

    - PostgreSQL manual, "CREATE INDEX", Building Indexes Concurrently
    """
    dropped: list[tuple[Event, Index]] = []
    for event, action in context.events(CreateIndex, DropIndex):
        if isinstance(action, DropIndex):
            index = event.before.index(action.index)
            if index is not None and index.columns[0] and not context.is_new(event, index.table):
                dropped.append((event, index))
            continue
        table = event.before.resolve(action.table)
        for drop, index in dropped:
            is_apart = number_transaction(drop) != number_transaction(event)
            is_same = index.table == table and index.columns[0] == action.columns[0].column
            if is_apart and is_same and not _has_other(event, index):
                dropped.remove((drop, index))
                yield context.finding(
                    drop,
                    f'index "{index.name.name}" of "{table}" is dropped before the index that '
                    "replaces it is built",
                    why=(
                        f'until that is done, queries by "{index.columns[0]}" read all of {table}'
                        + ("; equal rows may come in" if index.is_unique else "")
                    ),
                )
                break


def _has_other(event: Event, dropped: Index) -> bool:
    """Return whether another index begins with the same column when the new one is built."""
    indexes = event.before.indexes_of(dropped.table)
    return any(index.columns[0] == dropped.columns[0] for index in indexes)
