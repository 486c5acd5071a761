"""A foreign key whose columns have no index."""

from collections.abc import Iterator

from safemigrate.model import (
    AddColumn,
    AddConstraint,
    ConstraintKind,
    CreateTable,
    Finding,
    Severity,
)
from safemigrate.recipes import index_foreign_key
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    find_at_end,
    has_index_on,
    join_words,
    rule,
    written_constraints,
)

__all__ = ["foreign_key_without_index"]

_WRITING = (AddColumn, AddConstraint, CreateTable)


@rule(family=Family.INDEXES, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def foreign_key_without_index(context: Context) -> Iterator[Finding]:
    """Every delete in the referenced table reads the whole table of a foreign key without an index.

    ## What it does

    Finds foreign keys for which the history leaves no index that begins with their columns, in
    any order. A partial index counts where it leaves out only rows that have NULL there.
    Nothing is found where the history does not show the whole table, or drops the key again.

    ## Why is this unsafe?

    PostgreSQL makes an index for the referenced columns only. To delete a row there, or change its
    key, it looks for rows that reference it, and without an index reads the other table from end
    to end, once for each row. The locks of the DELETE are held all that time.

    ## Example

    ```sql
    ALTER TABLE recipe
        ADD CONSTRAINT recipe_cook_fkey FOREIGN KEY (cook) REFERENCES cook (id) NOT VALID;
    ```

    ## Use instead

    ```sql
    CREATE INDEX CONCURRENTLY recipe_cook_idx ON recipe (cook);
    ALTER TABLE recipe
        ADD CONSTRAINT recipe_cook_fkey FOREIGN KEY (cook) REFERENCES cook (id) NOT VALID;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index("recipe_cook_idx", "recipe", ["cook"], postgresql_concurrently=True)
    ```

    ## When it is safe

    Where rows of the referenced table are never deleted and their keys never change, and where the
    table stays small.

    ## References

    - PostgreSQL manual, "Constraints", Foreign Keys
    """
    for new in written_constraints(context):
        reference, action = new.definition.reference, new.event.action
        if new.definition.kind is not ConstraintKind.FOREIGN_KEY or reference is None:
            continue
        table = find_at_end(context, new.event, new.table)
        if table is None or not table.has_all_columns or not isinstance(action, _WRITING):
            continue
        if isinstance(action, CreateTable) and action.like:
            # LIKE … INCLUDING INDEXES brings indexes that are not shown.
            continue
        constraint = table.constraints.get(new.name)
        if constraint is None or not constraint.is_enforced:
            continue
        if has_index_on(table, constraint.columns, context.end):
            continue
        columns = join_words([f'"{name}"' for name in new.definition.columns])
        far = new.event.before.resolve(reference.table)
        is_new = context.passage.is_new(new.table, context.passage.after)
        yield context.finding(
            new.event,
            f'no index of "{new.table}" begins with {columns} of foreign key "{new.name}"',
            why=(
                f"each row deleted from {far}, or whose key changes, makes the server read all of "
                f"{new.table} for rows that reference it"
            ),
            remedy=index_foreign_key(
                action.table, new.definition.columns, new.event.before, is_new=is_new
            ),
            offset=new.offset,
        )
