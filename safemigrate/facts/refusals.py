"""Why the server refuses to change a column, whatever the rows. Manual: "ALTER TABLE", Notes.

Source: `ATPrepAddColumn`, `ATPrepDropColumn`, `renameatt_internal` and `ATPrepAlterColumnType` in
src/backend/commands/tablecmds.c.
"""

from collections.abc import Iterator

from safemigrate.facts.situation import Situation
from safemigrate.model import (
    AlterColumnType,
    Catalog,
    ColumnDefinition,
    Generated,
    Persistence,
    QualifiedName,
    Reference,
    RelationKind,
    ServerVersion,
    Table,
)

__all__ = ["refuse_inherited", "refuse_new_column", "refuse_reference", "refuse_type_change"]

# What each kind of table may reference (`ATAddForeignKeyConstraint`).
_REFERENCED = {
    Persistence.PERMANENT: (Persistence.PERMANENT,),
    Persistence.UNLOGGED: (Persistence.PERMANENT, Persistence.UNLOGGED),
    Persistence.TEMPORARY: (Persistence.TEMPORARY,),
}

# Manual: "Release 17", identity columns of partitioned tables.
_PARTITIONS_TAKE_IDENTITY_SINCE = ServerVersion(17)


def refuse_new_column(
    table: QualifiedName, column: ColumnDefinition, situation: Situation
) -> tuple[str, ...]:
    """Return why the column cannot be added: to a partition, or an identity to a parent."""
    found = situation.catalog.table(table)
    if found is not None and found.partition_of is not None:
        return ("cannot add column to a partition",)
    is_parent = len(list(situation.family(table))) > 1
    if not column.is_identity or not is_parent:
        return ()
    is_partitioned = found is not None and found.kind is RelationKind.PARTITIONED_TABLE
    if is_partitioned and situation.version >= _PARTITIONS_TAKE_IDENTITY_SINCE:
        return ()
    return ("cannot recursively add identity column to table that has child tables",)


def refuse_reference(
    table: QualifiedName, reference: Reference | None, catalog: Catalog
) -> tuple[str, ...]:
    """Return why a foreign key cannot be: rows must not outlive those they reference."""
    near, far = catalog.table(table), None if reference is None else catalog.table(reference.table)
    if near is None or far is None or near.is_older or far.is_older:
        # How a table is kept whose making is not shown, is not known.
        return ()
    if far.persistence in _REFERENCED[near.persistence]:
        return ()
    kind = near.persistence.value
    wanted = " or ".join(each.value for each in _REFERENCED[near.persistence])
    return (f"constraints on {kind} tables may reference only {wanted} tables",)


def refuse_inherited(
    verb: str, table: QualifiedName, column: str, catalog: Catalog
) -> tuple[str, ...]:
    """Return why a column cannot be changed where it was inherited, as `verb` says."""
    found = catalog.table(table)
    if found is None or not any(column in parent.columns for parent in _parents(found, catalog)):
        return ()
    return (f'cannot {verb} inherited column "{column}"',)


def _parents(table: Table, catalog: Catalog) -> Iterator[Table]:
    names = table.inherits if table.partition_of is None else (table.partition_of,)
    for name in names:
        parent = catalog.table(name)
        if parent is not None:
            yield parent


def refuse_type_change(action: AlterColumnType, catalog: Catalog) -> Iterator[str]:
    """Yield why the type of the column cannot change."""
    table = catalog.table(action.table)
    if table is None:
        return
    yield from refuse_inherited("alter", action.table, action.column, catalog)
    if any(action.column in part.uses for part in table.partition_key):
        relation = table.name.name
        yield (
            f'cannot alter column "{action.column}" because it is part of the partition key of '
            f'relation "{relation}"'
        )
    if any(catalog.views_of_column(action.table, action.column)):
        yield "cannot alter type of a column used by a view or rule"
    for column in table.columns.values():
        is_computed = column.generated in {Generated.STORED, Generated.VIRTUAL}
        if is_computed and column.default is not None and action.column in column.default.columns:
            yield (
                f'cannot alter type of column "{action.column}", which generated column '
                f'"{column.name}" uses'
            )
