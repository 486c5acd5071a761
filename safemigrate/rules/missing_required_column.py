"""Tables without the columns that the project wants in each."""

from collections.abc import Iterator

from safemigrate.model import (
    ColumnDefinition,
    ColumnType,
    DropColumn,
    Finding,
    Persistence,
    Remedy,
    RenameColumn,
    Severity,
)
from safemigrate.recipes import declare_columns
from safemigrate.rulekit import (
    UPGRADE_ONLY,
    Context,
    Family,
    NewTable,
    join_words,
    new_tables,
    read_column,
    rule,
)

__all__ = ["missing_required_column"]


@rule(family=Family.DESIGN, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def missing_required_column(context: Context) -> Iterator[Finding]:
    """A table without a column that every table must have breaks what relies on it.

    ## What it does

    Finds new tables that lack a column of the option `required-columns` when the migration has
    run, or have it with another type; and such a column that is dropped or renamed.
    Without the option it finds nothing. Temporary tables and partitions are left out.

    ## Why is this unsafe?

    What works on all tables, such as an export, an audit or a purge, fails at this one or skips
    it. Values that were not kept from the first day cannot be found later.

    ## Example

    With `required-columns = { created_at = "timestamptz" }`:

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY);
    ```

    ## Use instead

    ```sql
    CREATE TABLE dish (id bigint PRIMARY KEY, created_at timestamptz DEFAULT now());
    ```

    ```python
    op.create_table(
        "dish",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )
    ```

    ## When it is safe

    For a table that what relies on the columns never sees, with an ignore comment that says why.

    ## References

    - PostgreSQL manual, "CREATE TABLE"
    """
    required = [
        read_column(name, kind or "text", "required-columns")
        for name, kind in context.options.required_columns.items()
    ]
    why = "the project lists the columns of every table under required-columns"
    for new in new_tables(context) if required else ():
        for message, offset in _faults(context, new, required):
            yield context.finding(
                new.event,
                message,
                why=why,
                remedy=declare_columns("the columns that every table has", required),
                offset=offset,
            )
    for event, action in context.events(DropColumn, RenameColumn) if required else ():
        table = event.before.table(action.table)
        is_kept = table is None or table.persistence is not Persistence.TEMPORARY
        if action.column in context.options.required_columns and is_kept:
            yield context.finding(
                event,
                f'column "{action.column}" of "{event.before.resolve(action.table)}" is taken away',
                why=why,
                remedy=Remedy(advice="keep it, or take it out of required-columns"),
            )


def _faults(
    context: Context, new: NewTable, required: list[ColumnDefinition]
) -> Iterator[tuple[str, int]]:
    """Yield what is wrong with a new table, and where in the statement."""
    columns, offsets = new.table.columns, {each.name: each.offset for each in new.action.columns}
    missing = [f'"{each.name}"' for each in required if each.name not in columns]
    if missing and new.table.has_all_columns:
        yield f'table "{new.table.name}" has no {join_words(missing)}', new.action.offset
    for each in required:
        found = columns[each.name].type if each.name in columns else None
        is_free = not context.options.required_columns[each.name]
        if found is not None and not is_free and not _fits(each.type, found):
            at = offsets.get(each.name, new.action.offset)
            yield f'column "{each.name}" of "{new.table.name}" is {found}, not {each.type}', at


def _fits(required: ColumnType, found: ColumnType) -> bool:
    is_same = (required.name, required.dimensions) == (found.name, found.dimensions)
    return is_same and required.modifiers in {(), found.modifiers}
