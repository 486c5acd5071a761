"""How a table is kept, and whose rows who may see."""

from dataclasses import replace

from safemigrate.model import (
    AlterConstraint,
    AttachIndex,
    Catalog,
    CreatePolicy,
    DropPolicy,
    RowSecurity,
    SetInheritance,
    SetPersistence,
    SetRowSecurity,
    Table,
)

__all__ = ["change_setting"]

Setting = (
    AlterConstraint
    | AttachIndex
    | CreatePolicy
    | DropPolicy
    | SetInheritance
    | SetPersistence
    | SetRowSecurity
)


def change_setting(catalog: Catalog, action: Setting) -> Catalog:
    """Return the catalog after the action; what it names and is not known changes nothing."""
    if isinstance(action, AttachIndex):
        return _attach_index(catalog, action)
    table = catalog.table(action.table)
    return catalog if table is None else catalog.with_table(_change(table, action, catalog))


def _attach_index(catalog: Catalog, action: AttachIndex) -> Catalog:
    part = catalog.index(action.partition)
    if part is None:
        return catalog
    return catalog.with_index(replace(part, attached_to=catalog.resolve(action.index)))


def _change(
    table: Table,
    action: AlterConstraint
    | CreatePolicy
    | DropPolicy
    | SetInheritance
    | SetPersistence
    | SetRowSecurity,
    catalog: Catalog,
) -> Table:
    match action:
        case SetPersistence():
            return replace(table, persistence=action.persistence)
        case SetInheritance():
            parent = catalog.resolve(action.parent)
            others = tuple(name for name in table.inherits if name != parent)
            return replace(table, inherits=others if action.is_ended else (*others, parent))
        case CreatePolicy():
            return replace(table, policies=table.policies | {action.name})
        case DropPolicy():
            return replace(table, policies=table.policies - {action.name})
        case SetRowSecurity():
            if action.change in {RowSecurity.FORCE, RowSecurity.NO_FORCE}:
                return table
            return replace(table, has_row_security=action.change is RowSecurity.ENABLE)
        case AlterConstraint():
            old = table.constraints.get(action.name)
            if old is None or action.is_enforced is None:
                return table
            changed = replace(old, is_enforced=action.is_enforced, is_valid=action.is_enforced)
            return replace(table, constraints={**table.constraints, old.name: changed})
