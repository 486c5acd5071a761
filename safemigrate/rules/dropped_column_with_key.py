"""A dropped column that takes keys and indexes over other columns with it."""

from collections.abc import Iterator

from safemigrate.model import (
    Catalog,
    ConstraintKind,
    DropColumn,
    Event,
    Finding,
    Severity,
    Table,
)
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, join_words, rule

__all__ = ["dropped_column_with_key"]


@rule(family=Family.BREAKAGE, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def dropped_column_with_key(context: Context) -> Iterator[Finding]:
    """Dropping a column silently takes every key, check and index it is a part of with it.

    ## What it does

    Finds `DROP COLUMN` of a column that is a part of the primary key, or of a constraint or index
    over other columns that stay. What is over the column alone goes with it, as it should.

    ## Why is this unsafe?

    The server drops them without a word, and without CASCADE. From then on rows come in that the
    key kept out, and queries by the other columns read the whole table.

    ## Example

    ```sql
    ALTER TABLE recipe DROP COLUMN email;
    ```

    ## Use instead

    Build what must stay first, concurrently, without the column, and drop the old one by its name.

    ```sql
    CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name);
    CREATE UNIQUE INDEX CONCURRENTLY recipe_name_key ON recipe (name);
    ALTER TABLE recipe DROP CONSTRAINT recipe_name_email_key;
    ALTER TABLE recipe DROP COLUMN email;
    ```

    ```python
    with op.get_context().autocommit_block():
        op.create_index("recipe_name_idx", "recipe", ["name"], postgresql_concurrently=True)
    op.drop_constraint("recipe_name_email_key", "recipe")
    op.drop_column("recipe", "email")
    ```

    ## When it is safe

    Where nothing of it is needed any more. Nothing is found where another index, by then, begins
    with the columns that stay (a unique one for a unique one), and on a table that the same
    migration creates.

    ## References

    - PostgreSQL manual, "ALTER TABLE", DROP COLUMN
    """
    for event, action in context.events(DropColumn):
        table = event.before.table(action.table)
        if table is None or context.is_new(event, action.table):
            continue
        if taken := list(_taken(context, event, table, action.column)):
            what = join_words(taken)
            yield context.finding(
                event,
                f'dropping column "{action.column}" of "{table.name}" takes {what} with it',
                why=(
                    "the server drops them without a word: what they kept out comes in, and what "
                    "was found by them is looked for in the whole table"
                ),
            )


def _taken(context: Context, event: Event, table: Table, column: str) -> Iterator[str]:
    """Yield what goes with the column, and is not over it alone, nor replaced."""
    catalog, after = event.before, context.passage.after
    for constraint in table.constraints.values():
        used = constraint.columns
        if constraint.expression is not None:
            used = constraint.expression.columns
        is_key = constraint.kind is ConstraintKind.PRIMARY_KEY
        if column not in used or not (is_key or set(used) - {column}):
            continue
        left = tuple(name for name in used if name != column)
        if constraint.index is None or not _has_index(after, table, left, is_unique=True):
            yield f'{constraint.kind.value} "{constraint.name}"'
    for index in catalog.indexes_of(table.name):
        left = tuple(name for name in index.columns if name not in {column, None})
        if index.constraint is not None or column not in index.uses or not left:
            continue
        if not _has_index(after, table, left, is_unique=index.is_unique):
            yield f'index "{index.name.name}"'


def _has_index(
    catalog: Catalog, table: Table, columns: tuple[str | None, ...], *, is_unique: bool
) -> bool:
    """Return whether an index begins with the columns, or, if unique, is over no others."""
    return bool(columns) and any(
        index.columns[: len(columns)] == columns
        and (not is_unique or (index.is_unique and len(index.columns) <= len(columns)))
        for index in catalog.indexes_of(table.name)
    )
