"""How types, domains and functions change and go."""

from dataclasses import replace

from safemigrate.catalog.relations import rename_type
from safemigrate.catalog.tables import drop_column, without
from safemigrate.model import (
    AddEnumValue,
    AlterDomain,
    Catalog,
    CreateEnum,
    DomainChange,
    DropObject,
    QualifiedName,
    RenameEnumValue,
    RenameObject,
    RenameType,
)

__all__ = ["change_object", "forget_transaction"]

_ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "ROUTINE", "AGGREGATE"})


def change_object(
    catalog: Catalog,
    action: AlterDomain | DropObject | RenameObject | CreateEnum | AddEnumValue | RenameEnumValue,
) -> Catalog:
    """Return the catalog after the action; what it names and is not known changes nothing."""
    match action:
        case AlterDomain():
            return _alter_domain(catalog, action)
        case DropObject():
            return _drop(catalog, action)
        case RenameObject():
            return _rename(catalog, action)
        case CreateEnum():
            name = catalog.resolve_new(action.type)
            enums = {**catalog.enums, name: action.labels}
            return replace(catalog, enums=enums, new_enums=catalog.new_enums | {name})
        case AddEnumValue():
            return _add_enum_value(catalog, action)
        case RenameEnumValue():
            name = catalog.resolve(action.type)
            labels = tuple(
                action.new_label if label == action.label else label
                for label in catalog.enums.get(name, ())
            )
            return replace(catalog, enums={**catalog.enums, name: labels}) if labels else catalog


def forget_transaction(catalog: Catalog) -> Catalog:
    """Return the catalog without what is told apart only while its transaction runs."""
    if not catalog.new_enums and not catalog.new_labels:
        return catalog
    return replace(catalog, new_enums=frozenset(), new_labels={})


def _add_enum_value(catalog: Catalog, action: AddEnumValue) -> Catalog:
    name = catalog.resolve(action.type)
    labels = catalog.enums.get(name)
    if action.takes_existing and action.label in (labels or ()):
        return catalog
    added = (*catalog.new_labels.get(name, ()), action.label)
    catalog = replace(catalog, new_labels={**catalog.new_labels, name: added})
    if labels is None:
        # One label of an enum that the history does not show tells nothing of the others.
        return catalog
    return replace(catalog, enums={**catalog.enums, name: (*labels, action.label)})


def _alter_domain(catalog: Catalog, action: AlterDomain) -> Catalog:
    name = catalog.resolve(action.domain)
    domain = catalog.domains.get(name)
    if domain is None:
        return catalog
    match action.change:
        case DomainChange.ADD_CHECK:
            added = {action.constraint or f"{name.name}_check"} if action.is_not_valid else set()
            if action.constraint is None and domain.is_constrained:
                # The number that PostgreSQL puts behind the name is not known.
                added = set()
            domain = replace(domain, is_constrained=True, not_valid=domain.not_valid | added)
        case DomainChange.SET_NOT_NULL:
            domain = replace(domain, is_constrained=True)
        case DomainChange.VALIDATE | DomainChange.DROP_CONSTRAINT:
            domain = replace(domain, not_valid=domain.not_valid - {action.constraint})
        case DomainChange.DROP_NOT_NULL | DomainChange.DEFAULT:
            return catalog
    return replace(catalog, domains={**catalog.domains, name: domain})


def _drop(catalog: Catalog, action: DropObject) -> Catalog:
    name = catalog.resolve(action.name)
    if action.kind in _ROUTINES:
        return replace(catalog, functions=without(catalog.functions, [name]))
    if action.kind == "STATISTICS":
        return replace(catalog, statistics=without(catalog.statistics, [name]))
    if action.kind == "SEQUENCE":
        return replace(catalog, sequences=catalog.sequences - {name})
    if action.kind not in {"TYPE", "DOMAIN"}:
        return catalog
    if action.is_cascade:
        for table in list(catalog.tables.values()):
            for column in list(table.columns.values()):
                if column.type is not None and name in catalog.types_under(column.type):
                    catalog = drop_column(catalog, table.name, column.name)
    return replace(
        catalog,
        enums=without(catalog.enums, [name]),
        domains=without(catalog.domains, [name]),
    )


def _rename(catalog: Catalog, action: RenameObject) -> Catalog:
    if action.kind == "DOMAIN":
        return rename_type(catalog, RenameType(action.name, action.new_name))
    old = catalog.resolve(action.name)
    new = QualifiedName(old.schema, action.new_name)
    if action.kind in _ROUTINES and old in catalog.functions:
        kept = without(catalog.functions, [old])
        return replace(catalog, functions={**kept, new: catalog.functions[old]})
    if old in catalog.sequences:
        return replace(catalog, sequences=catalog.sequences - {old} | {new})
    return catalog
