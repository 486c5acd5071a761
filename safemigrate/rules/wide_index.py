"""An index over many columns."""

from collections.abc import Iterator

from safemigrate.model import CreateIndex, Finding, Severity
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, name_new_index, rule

__all__ = ["wide_index"]


@rule(
    family=Family.INDEXES,
    severity=Severity.INFO,
    since="0.1.0",
    directions=UPGRADE_ONLY,
    is_default=False,
)
def wide_index(context: Context) -> Iterator[Finding]:
    """An index over many columns costs every write more than it saves the reads.

    ## What it does

    Finds `CREATE INDEX` over more columns than `options.most-index-columns` allows, which is 3
    where the project says nothing. Columns of `INCLUDE` do not count.
    It is off by default: what is too many is for a project to say.

    ## Why is this unsafe?

    An index is searched by its first columns; those behind a range narrow nothing down. But every
    one makes the index bigger, and a change of any of them in a row is a write to the index.

    ## Example

    ```sql
    CREATE INDEX CONCURRENTLY recipe_all_idx ON recipe (cook, name, email, origin);
    ```

    ## Use instead

    ```sql
    CREATE INDEX CONCURRENTLY recipe_cook_name_idx ON recipe (cook, name) INCLUDE (email, origin);
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index(
            "recipe_cook_name_idx",
            "recipe",
            ["cook", "name"],
            postgresql_include=["email", "origin"],
            postgresql_concurrently=True,
        )
    ```

    ## When it is safe

    For a unique index, whose columns say what must differ: nothing is found.

    ## References

    - PostgreSQL manual, "Indexes", Multicolumn Indexes
    """
    most = context.options.most_index_columns
    for event, action in context.events(CreateIndex):
        if action.is_unique or len(action.columns) <= most:
            continue
        name = name_new_index(event, action)
        yield context.finding(
            event,
            f'index "{name}" has {len(action.columns)} columns, more than {most}',
            why="a write to any of the columns is a write to the index, and few queries use all",
        )
