"""How whole relations and types come, go, and change their names."""

from collections.abc import Iterator
from dataclasses import replace

from safemigrate.catalog.foreign_keys import keep_keys
from safemigrate.catalog.tables import without
from safemigrate.model import (
    AttachPartition,
    Catalog,
    ColumnName,
    ColumnType,
    CreateView,
    DetachPartition,
    DropSchema,
    Indexes,
    QualifiedName,
    RelationKind,
    RenameSchema,
    RenameType,
    Table,
    Tables,
)

__all__ = [
    "create_view",
    "drop_relation",
    "drop_schema",
    "move_relation",
    "rename_schema",
    "rename_type",
    "set_parent",
]


def drop_relation(catalog: Catalog, name: QualifiedName) -> Catalog:
    """Return the catalog without the relation, its partitions, indexes, readers, and keys to it."""
    found = catalog.table(name)
    if found is None:
        return catalog
    gone = {found.name, *(child.name for child in catalog.partitions_of(found.name))}
    gone |= {view.name for view in catalog.readers_of(found.name)}
    mentioning = {name for one in gone for name in catalog.tables.mentions.get(one, ())}
    tables, indexes = catalog.tables, catalog.indexes
    for key in mentioning - gone:
        table = tables[key]
        dead = [item.name for item in table.constraints.values() if item.references in gone]
        if dead:
            tables = tables.put_table(replace(table, constraints=without(table.constraints, dead)))
    lost = [index for one in gone for index in indexes.by_table.get(one, ())]
    return replace(catalog, tables=tables.drop_tables(gone), indexes=indexes.drop_indexes(lost))


def move_relation(
    catalog: Catalog, name: QualifiedName, new_schema: str | None, new_name: str | None
) -> Catalog:
    """Return the catalog with the relation renamed, or moved to another schema."""
    found = catalog.table(name)
    if found is None:
        return catalog
    old = found.name
    new = QualifiedName(new_schema or old.schema, new_name or old.name)
    tables: dict[QualifiedName, Table] = {}
    concerned = {old, *catalog.tables.mentions.get(old, ())}
    for key, table in catalog.tables.items():
        if key not in concerned:
            tables[key] = table
            continue
        constraints = {
            item.name: replace(item, references=new) if item.references == old else item
            for item in table.constraints.values()
        }
        moved = replace(
            table,
            name=new if key == old else key,
            constraints=constraints,
            partition_of=new if table.partition_of == old else table.partition_of,
            inherits=tuple(new if parent == old else parent for parent in table.inherits),
            reads=tuple(new if read == old else read for read in table.reads),
        )
        tables[moved.name] = moved
    indexes = {}
    for index in catalog.indexes.values():
        if index.table != old:
            indexes[index.name] = index
            continue
        moved_name = QualifiedName(new.schema, index.name.name)
        indexes[moved_name] = replace(index, name=moved_name, table=new)
    return replace(catalog, tables=Tables(tables), indexes=Indexes(indexes))


def set_parent(catalog: Catalog, action: AttachPartition | DetachPartition) -> Catalog:
    """Return the catalog with the table a partition, or one no more, which keeps its keys."""
    table = catalog.table(action.partition)
    if table is None:
        return catalog
    parent = catalog.resolve(action.table)
    match action:
        case AttachPartition():
            table = replace(table, partition_of=parent, is_default_partition=action.is_default)
        case DetachPartition():
            table = keep_keys(catalog, table, parent)
            table = replace(table, partition_of=None, is_default_partition=False)
    return catalog.with_table(table)


def create_view(catalog: Catalog, action: CreateView) -> Catalog:
    """Return the catalog with the view in place of the one of its name, if any."""
    known = catalog.table(action.view)
    name = catalog.resolve_new(action.view) if known is None else known.name
    kind = RelationKind.MATERIALIZED_VIEW if action.is_materialized else RelationKind.VIEW
    identity = catalog.next_identity if known is None else known.identity
    view = Table(
        name=name,
        identity=identity,
        kind=kind,
        reads=tuple(catalog.resolve(read) for read in action.reads),
        has_all_columns=False,
        uses=frozenset(_used_columns(catalog, action)),
        definition=action.definition,
    )
    following = max(catalog.next_identity, identity + 1)
    return replace(catalog, next_identity=following).with_table(view)


def _used_columns(catalog: Catalog, action: CreateView) -> Iterator[ColumnName]:
    """Yield the columns that the query reads, each with its table; all that there are now for `*`.

    One without the name of a table is that of the only table that can have it.
    """
    for name in action.columns:
        named = (name.table,) if name.table is not None else action.reads
        tables = [each for each in named if _may_have(catalog, each, name.column)]
        if len(tables) == 1:
            table = catalog.resolve(tables[0])
            found = catalog.tables.get(table)
            is_whole = name.column == "*" and found is not None and found.has_all_columns
            columns = found.columns if found is not None and is_whole else (name.column,)
            yield from (ColumnName(table, column) for column in columns)


def _may_have(catalog: Catalog, table: QualifiedName, column: str) -> bool:
    found = catalog.table(table)
    is_known = found is not None and found.has_all_columns
    return not is_known or column == "*" or catalog.column(table, column) is not None


def drop_schema(catalog: Catalog, action: DropSchema) -> Catalog:
    """Return the catalog without the schema and everything in it."""
    for table in list(catalog.tables.values()):
        if table.name.schema == action.name:
            catalog = drop_relation(catalog, table.name)
    return replace(
        catalog,
        schemas=catalog.schemas - {action.name},
        enums={name: value for name, value in catalog.enums.items() if name.schema != action.name},
        domains={
            name: value for name, value in catalog.domains.items() if name.schema != action.name
        },
    )


def rename_schema(catalog: Catalog, action: RenameSchema) -> Catalog:
    """Return the catalog with everything in the schema moved to its new name."""
    for table in list(catalog.tables.values()):
        if table.name.schema == action.name:
            catalog = move_relation(catalog, table.name, action.new_name, None)

    def move(name: QualifiedName) -> QualifiedName:
        is_inside = name.schema == action.name
        return QualifiedName(action.new_name, name.name) if is_inside else name

    return replace(
        catalog,
        schemas=catalog.schemas - {action.name} | {action.new_name},
        enums={move(name): value for name, value in catalog.enums.items()},
        domains={move(name): value for name, value in catalog.domains.items()},
        functions={move(name): value for name, value in catalog.functions.items()},
    )


def rename_type(catalog: Catalog, action: RenameType) -> Catalog:
    """Return the catalog with the type renamed, in the columns that have it too."""
    old = catalog.resolve(action.type)
    new = QualifiedName(old.schema, action.new_name)
    enums = {new if name == old else name: labels for name, labels in catalog.enums.items()}
    domains = {new if name == old else name: domain for name, domain in catalog.domains.items()}
    tables = {}
    for name, table in catalog.tables.items():
        columns = {
            column.name: replace(column, type=replace(column.type, name=new.name))
            if column.type is not None and _is_named(catalog, column.type, old)
            else column
            for column in table.columns.values()
        }
        tables[name] = table if columns == table.columns else replace(table, columns=columns)
    return replace(catalog, enums=enums, domains=domains, tables=Tables(tables))


def _is_named(catalog: Catalog, column_type: ColumnType, name: QualifiedName) -> bool:
    return catalog.resolve(QualifiedName(column_type.schema, column_type.name)) == name
