"""How indexes come, and change their names."""

from dataclasses import replace

from safemigrate.catalog.naming import choose_index_name
from safemigrate.catalog.tables import without
from safemigrate.model import Catalog, CreateIndex, Index, QualifiedName, RenameIndex
from safemigrate.sql import quote_identifier

__all__ = ["create_index", "rename_index"]


def create_index(catalog: Catalog, action: CreateIndex) -> Catalog:
    """Return the catalog with the new index."""
    table = catalog.resolve(action.table)
    name = QualifiedName(table.schema, choose_index_name(action, catalog))
    if action.takes_existing and name in catalog.indexes:
        return catalog
    index = Index(
        name=name,
        table=table,
        columns=tuple(column.column for column in action.columns),
        is_unique=action.is_unique,
        method=action.method,
        predicate=action.predicate,
        uses=_used_columns(action),
        is_plain=all(
            column.column is not None and column.text == quote_identifier(column.column)
            for column in action.columns
        ),
    )
    return catalog.with_index(index)


def _used_columns(action: CreateIndex) -> tuple[str, ...]:
    predicate = () if action.predicate is None else action.predicate.columns
    keys = [name for column in action.columns for name in column.uses]
    return tuple(dict.fromkeys((*keys, *action.included, *predicate)))


def rename_index(catalog: Catalog, action: RenameIndex) -> Catalog:
    """Return the catalog with the index renamed, and the constraint whose index it is."""
    index = catalog.index(action.index)
    if index is None:
        return catalog
    new = QualifiedName(index.name.schema, action.new_name)
    table = catalog.table(index.table)
    own = None
    if table is not None and index.constraint is not None:
        own = table.constraints.get(index.constraint)
    if table is not None and own is not None:
        renamed = replace(own, name=action.new_name, index=action.new_name)
        constraints = {**without(table.constraints, [own.name]), renamed.name: renamed}
        catalog = catalog.with_table(replace(table, constraints=constraints))
    moved = replace(index, name=new, constraint=index.constraint and action.new_name)
    return catalog.without_indexes([index.name]).with_index(moved)
