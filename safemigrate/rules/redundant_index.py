"""An index that another one makes superfluous."""

from collections.abc import Iterator

from safemigrate.model import (
    CreateIndex,
    DropIndex,
    Finding,
    Index,
    QualifiedName,
    Remedy,
    Severity,
)
from safemigrate.recipes import drop_index_concurrently
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, find_at_end, name_new_index, rule

__all__ = ["redundant_index"]


@rule(family=Family.INDEXES, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def redundant_index(context: Context) -> Iterator[Finding]:
    """An index whose columns another one begins with costs every write, and saves nothing.

    ## What it does

    Finds `CREATE INDEX` when, once the history has run, a B-tree of the same table begins with the
    same columns, in the same order: the new index is superfluous then, or it makes an older one so.
    Left out are indexes with a predicate, an operator class, a collation or an order of their own,
    and unique ones, but for two that are over the same columns.

    ## Why is this unsafe?

    Every INSERT, and most UPDATEs, write to both; VACUUM reads both; both take up memory.
    The one with more columns finds all that the other one finds.

    ## Example

    ```sql
    CREATE INDEX CONCURRENTLY recipe_cook_name_idx ON recipe (cook, name);
    ```

    ## Use instead

    ```sql
    CREATE INDEX CONCURRENTLY recipe_cook_name_idx ON recipe (cook, name);
    DROP INDEX CONCURRENTLY recipe_cook_idx;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.drop_index("recipe_cook_idx", table_name="recipe", postgresql_concurrently=True)
    ```

    ## When it is safe

    Where the smaller index is so much smaller, and so often read, that it earns its keep.
    Nothing is found where the history drops one of the two later.

    ## References

    - PostgreSQL manual, "Indexes", Multicolumn Indexes
    """
    for event, action in context.events(CreateIndex):
        table = find_at_end(context, event, action.table)
        at_end = event.before.resolve(action.table) if table is None else table.name
        indexes = list(context.end.indexes_of(at_end))
        name = name_new_index(event, action)
        new = next((index for index in indexes if index.name.name == name), None)
        if new is None or action.included or action.is_nulls_not_distinct:
            continue
        for other in indexes:
            if other is new or other.name not in event.before.indexes:
                # One that is built later is found there.
                continue
            if _covers(other, new):
                message = f'index "{name}" repeats "{other.name.name}"'
                remedy = Remedy(f'leave it out: "{other.name.name}" finds all that it would find')
            elif _covers(new, other):
                message = f'index "{name}" makes "{other.name.name}" superfluous'
                remedy = _drop(other, action.table)
            else:
                continue
            yield context.finding(
                event,
                f'{message}: both begin with the same columns of "{at_end}"',
                why="every write to the table keeps both, and one finds all that both find",
                remedy=remedy,
            )
            break


def _drop(index: Index, table: QualifiedName) -> Remedy:
    name = QualifiedName(table.schema, index.name.name)
    return drop_index_concurrently(DropIndex(name), index.table)


def _covers(wide: Index, narrow: Index) -> bool:
    """Return whether `wide` finds, and keeps out, all that `narrow` does."""
    if wide.predicate or narrow.predicate or not (wide.is_plain and narrow.is_plain):
        return False
    if narrow.constraint is not None or narrow.attached_to is not None:
        return False
    if wide.method != "btree" or narrow.method != "btree":
        return False
    if set(narrow.uses) - set(narrow.columns):
        # It holds other columns as well, by INCLUDE.
        return False
    if narrow.is_unique and not (wide.is_unique and len(wide.columns) == len(narrow.columns)):
        return False
    return wide.columns[: len(narrow.columns)] == narrow.columns
