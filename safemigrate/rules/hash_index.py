"""A hash index, where a B-tree does more."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.model import CreateIndex, Finding, Remedy, Severity
from safemigrate.recipes import build_index, build_index_concurrently
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_new_index, rule

__all__ = ["hash_index"]


@rule(
    family=Family.INDEXES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def hash_index(context: Context) -> Iterator[Finding]:
    """A hash index finds equal values only, and cannot keep them apart.

    ## What it does

    Finds `CREATE INDEX … USING hash`. It is off by default: for long values that are only ever
    compared for equality, a hash index is smaller.

    ## Why is this unsafe?

    It has one column, is never unique, sorts nothing, finds no range, and every hit is looked up
    in the table. The next query that needs any of this needs another index.

    ## Example

    ```sql
    CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe USING hash (name);
    ```

    ## Use instead

    ```sql
    CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name);
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index("recipe_name_idx", "recipe", ["name"], postgresql_concurrently=True)
    ```

    ## When it is safe

    Where values are long, compared for equality only, and the size was measured.

    ## References

    - PostgreSQL manual, "Index Types", Hash
    """
    for event, action in context.events(CreateIndex):
        if action.method != "hash":
            continue
        name = name_new_index(event, action)
        tree = replace(action, method="btree")
        remedy = build_index_concurrently(tree, name, event.before)
        if context.is_new(event, action.table):
            remedy = Remedy(f"leave USING out: {build_index(tree, name)}")
        yield context.finding(
            event,
            f'index "{name}" of "{event.before.resolve(action.table)}" is a hash index',
            why="it finds equal values only: no range, no order, no second column, nothing unique",
            remedy=remedy,
        )
