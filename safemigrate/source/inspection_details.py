"""What reflection tells about a schema and the catalog does not keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AlterColumnOption,
    AttachPartition,
    Catalog,
    ColumnDefinition,
    ColumnOption,
    CommentOn,
    ConstraintDefinition,
    CreateExtension,
    CreateIndex,
    CreateTable,
    DropObject,
    NoTableAction,
    QualifiedName,
    RenameObject,
    SetInheritance,
    Table,
)

__all__ = ["Details", "follow"]

# Types that no other action tells about: composite and range types, and base types.
_MAKES_TYPES = frozenset({"CREATE", "CREATE TYPE"})

_Part = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Details:
    """What was written of what is there. Tables are known by their identity.

    `constraints`: by table and name, as long as that is the name they were given.
    `indexes`: likewise. `sequences`: those that columns own, with table and column.
    `partial`: tables that may have constraints and indexes that were not written for them: those
    of a parent, or of the table they were made like.
    `commented`: tables that were commented on. `extensions`: those made.
    `has_other_types`: types may be there that the catalog does not know.
    """

    constraints: Mapping[_Part, ConstraintDefinition] = field(default_factory=dict)
    indexes: Mapping[QualifiedName, CreateIndex] = field(default_factory=dict)
    sequences: Mapping[QualifiedName, _Part] = field(default_factory=dict)
    partial: frozenset[int] = frozenset()
    commented: frozenset[int] = frozenset()
    extensions: frozenset[str] = frozenset()
    has_other_types: bool = False

    def sequence_of(self, table: Table, column: str) -> QualifiedName:
        """Return the sequence that the column owns, or the name it would be made with."""
        for name, owner in self.sequences.items():
            if owner == (table.identity, column):
                return name
        return QualifiedName(table.name.schema, f"{table.name.name}_{column}_seq")


def follow(  # noqa: C901 - one case each
    details: Details, action: Action, before: Catalog, after: Catalog
) -> Details:
    """Return the details after the action, which led from one catalog to the other."""
    match action:
        case CreateTable():
            return _follow_table(details, action, before, after)
        case AddColumn(column=column):
            details = _add_constraints(details, column.constraints, action.table, before, after)
            return _add_sequences(details, (column,), action.table, before, after)
        case AddConstraint(constraint=constraint):
            return _add_constraints(details, (constraint,), action.table, before, after)
        case AlterColumnOption(option=ColumnOption.ADD_IDENTITY):
            return _own_sequence(details, action.table, action.column, after)
        case CreateIndex():
            made = [name for name in after.indexes if name not in before.indexes]
            indexes = {**details.indexes, **dict.fromkeys(made, action)}
            return replace(details, indexes=indexes)
        case AttachPartition(partition=name) | SetInheritance(table=name):
            return _mark_partial(details, name, after)
        case CommentOn(relation=name, column=None, is_part=False) if name is not None:
            found = after.table(name)
            identities = frozenset() if found is None else frozenset({found.identity})
            return replace(details, commented=details.commented | identities)
        case CreateExtension(name=extension):
            extensions = details.extensions | {extension}
            return replace(details, extensions=extensions, has_other_types=True)
        case NoTableAction(kind=kind) if kind in _MAKES_TYPES:
            return replace(details, has_other_types=True)
        case DropObject(kind="SEQUENCE") | RenameObject(kind="SEQUENCE"):
            return _move_sequence(details, action, before)
        case DropObject(kind="EXTENSION", name=name):
            return replace(details, extensions=details.extensions - {name.name})
        case _:
            return details


def _follow_table(
    details: Details, action: CreateTable, before: Catalog, after: Catalog
) -> Details:
    table = after.tables.get(before.resolve_new(action.table))
    if table is None or table.identity < before.next_identity:
        return details
    constraints = [one for column in action.columns for one in column.constraints]
    constraints += action.constraints
    details = _add_constraints(details, tuple(constraints), table.name, before, after)
    details = _add_sequences(details, action.columns, table.name, before, after)
    if action.like or action.inherits or action.partition_of is not None:
        details = _mark_partial(details, table.name, after)
    return details


def _add_constraints(
    details: Details,
    written: tuple[ConstraintDefinition, ...],
    name: QualifiedName,
    before: Catalog,
    after: Catalog,
) -> Details:
    """Keep the definitions of the table's new constraints, which are in the order written."""
    table, old = after.table(name), before.table(name)
    if table is None or not written:
        return details
    had = old.constraints if old is not None and old.identity == table.identity else {}
    made = [one for one in table.constraints if one not in had]
    if len(made) != len(written):
        return details
    added = {(table.identity, one): each for one, each in zip(made, written, strict=True)}
    return replace(details, constraints={**details.constraints, **added})


def _add_sequences(
    details: Details,
    columns: tuple[ColumnDefinition, ...],
    name: QualifiedName,
    before: Catalog,
    after: Catalog,
) -> Details:
    old = before.table(name)
    for column in columns:
        is_new = old is None or column.name not in old.columns
        if (column.is_serial or column.is_identity) and is_new:
            details = _own_sequence(details, name, column.name, after)
    return details


def _own_sequence(details: Details, table: QualifiedName, column: str, after: Catalog) -> Details:
    found = after.table(table)
    if found is None:
        return details
    stem = QualifiedName(found.name.schema, f"{found.name.name}_{column}_seq")
    name, number = stem, 0
    while name in details.sequences or name in after.sequences or name in after.tables:
        number += 1
        name = QualifiedName(stem.schema, f"{stem.name}{number}")
    sequences = {**details.sequences, name: (found.identity, column)}
    return replace(details, sequences=sequences)


def _move_sequence(details: Details, action: DropObject | RenameObject, before: Catalog) -> Details:
    schemas = (action.name.schema,) if action.name.schema else before.search_path
    names = [QualifiedName(schema, action.name.name) for schema in schemas]
    old = next((name for name in names if name in details.sequences), None)
    if old is None:
        return details
    sequences = {name: owner for name, owner in details.sequences.items() if name != old}
    if isinstance(action, RenameObject):
        sequences[QualifiedName(old.schema, action.new_name)] = details.sequences[old]
    return replace(details, sequences=sequences)


def _mark_partial(details: Details, name: QualifiedName, after: Catalog) -> Details:
    found = after.table(name)
    if found is None:
        return details
    return replace(details, partial=details.partial | {found.identity})
