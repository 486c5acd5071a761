"""CREATE TABLE IF NOT EXISTS that does nothing."""

from collections.abc import Iterator

from safemigrate.model import (
    Catalog,
    ColumnType,
    CreateTable,
    Event,
    Finding,
    Persistence,
    QualifiedName,
    RelationKind,
    Remedy,
    Severity,
    Table,
)
from safemigrate.rulekit import UPGRADE_ONLY, Context, Family, join_words, rule

__all__ = ["ignored_create_table"]

_TABLES = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED_TABLE})


@rule(family=Family.DESIGN, severity=Severity.WARNING, since="0.1.0", directions=UPGRADE_ONLY)
def ignored_create_table(context: Context) -> Iterator[Finding]:
    """CREATE TABLE IF NOT EXISTS does nothing where the table is there, and its columns are missed.

    ## What it does

    Finds `CREATE TABLE IF NOT EXISTS` in an upgrade, of a table that the history shows, with other
    columns or types than it has.

    ## Why is this unsafe?

    The server looks at the name alone, and skips the statement with a notice that nobody reads.
    The code that expects the new columns fails. A database that begins later, from another
    migration, gets them: two databases of the same version differ.

    ## Example

    ```sql
    CREATE TABLE IF NOT EXISTS recipe (id bigint PRIMARY KEY, name text, origin text);
    ```

    ## Use instead

    Change the table that is there.

    ```sql
    ALTER TABLE recipe ADD COLUMN origin text;
    ```

    ```python
    op.add_column("recipe", sa.Column("origin", sa.Text()))
    ```

    ## When it is safe

    Where the table that is there has the same columns nothing is found; then the statement can go.

    ## References

    - PostgreSQL manual, "CREATE TABLE", IF NOT EXISTS
    """
    for event, action in context.events(CreateTable):
        found = event.before.tables.get(event.before.resolve_new(action.table))
        is_plain = action.persistence is not Persistence.TEMPORARY and action.partition_of is None
        if not action.takes_existing or not is_plain or found is None:
            continue
        differences = list(_differences(event, action, found)) if found.kind in _TABLES else []
        if differences:
            yield context.finding(
                event,
                f'table "{found.name}" is there already, with other columns: nothing happens',
                why=f"{join_words(differences)} in the table that is there",
                remedy=Remedy("change the table that is there by ALTER TABLE"),
            )


def _differences(event: Event, action: CreateTable, table: Table) -> Iterator[str]:
    written = {column.name: column for column in action.columns}
    for name, column in written.items():
        there = table.columns.get(name)
        if there is None:
            if table.has_all_columns:
                yield f'"{name}" is not'
        elif there.type is not None and not _is_same(event.before, column.type, there.type):
            yield f'"{name}" is {there.type}'
    is_all = table.has_all_columns and not (action.has_query or action.like or action.inherits)
    for name in table.columns if is_all else ():
        if name not in written:
            yield f'"{name}" is besides'


def _is_same(catalog: Catalog, one: ColumnType, other: ColumnType) -> bool:
    if (one.modifiers, one.dimensions) != (other.modifiers, other.dimensions):
        return False
    names = [catalog.resolve(QualifiedName(each.schema, each.name)) for each in (one, other)]
    return names[0] == names[1]
