"""What was there before an action that may find it made already."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from safemigrate.catalog import choose_index_name
from safemigrate.model import (
    Action,
    AddColumn,
    AlterSequence,
    Catalog,
    ConstraintDefinition,
    CreateExtension,
    CreateFunction,
    CreateIndex,
    CreateSchema,
    CreateSequence,
    CreateTable,
    CreateTrigger,
    CreateView,
    QualifiedName,
    RowSecurity,
    SetRowSecurity,
)
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["NOTHING_KNOWN", "Made", "WayBack", "find_earlier"]

# A serial or identity column has one of such a name, which a catalog does not hold.
_OF_COLUMN = re.compile(r"_seq[0-9]*\Z")
NOTHING_KNOWN = "nobody knows what was there before"
"""Why what is replaced or changed cannot be put back."""


@dataclass(frozen=True, slots=True)
class WayBack:
    """How to take an action back; `reason`: why that cannot be, empty where it can."""

    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """How constraints and indexes were made, by resolved names; None where nobody knows.

    `has_extension`: an earlier revision makes the extension.
    `gets_first_owner`: the history makes the sequence without an owner, and gives it one only once.
    `is_new`: what is being written now makes the column, or the table where the name is empty.
    """

    constraint: Callable[[QualifiedName, str], ConstraintDefinition | None]
    index: Callable[[QualifiedName], CreateIndex | None]
    has_extension: Callable[[str], bool]
    gets_first_owner: Callable[[QualifiedName], bool]
    is_new: Callable[[QualifiedName, str], bool]


def find_earlier(action: Action, before: Catalog, made: Made) -> WayBack | None:
    """Return the way back that leaves what was there before; None where nothing was.

    It is empty where the action finds all done, and has a reason where nobody knows that, or what
    it replaces.
    """
    match action:
        case CreateTrigger(name=name, replaces=True):
            return _doubt("trigger", quote_identifier(name))
        case CreateView(view=view, replaces=True):
            if before.table(view) is not None:
                return WayBack(reason=NOTHING_KNOWN)
            return None if before.is_complete else _doubt("view", quote_name(view))
        case CreateFunction(name=name, replaces=True):
            if before.resolve(name) in before.functions:
                return WayBack(reason=NOTHING_KNOWN)
            return None if before.is_complete else _doubt("function", quote_name(name))
        case AlterSequence(sequence=name, owner=owner) if owner is not None:
            is_first = made.gets_first_owner(before.resolve(name))
            return None if is_first else _doubt("owner of the sequence", quote_name(name))
        case SetRowSecurity():
            return _find_row_security(action, before)
    return _find_existing(action, before, made)


def _find_existing(action: Action, before: Catalog, made: Made) -> WayBack | None:
    """Return the way back of what IF NOT EXISTS stands at."""
    match action:
        case CreateTable(table=table, takes_existing=True):
            what, name = "table", quote_name(table)
            is_there = _has_relation(before, before.resolve_new(table))
            is_known = before.is_complete
        case AddColumn(table=table, column=column, takes_existing=True):
            what, name = "column", quote_identifier(column.name)
            found = before.table(table)
            is_there = found is not None and column.name in found.columns
            is_known = before.is_complete if found is None else found.has_all_columns
        case CreateView(view=view, takes_existing=True):
            what, name = "view", quote_name(view)
            is_there = _has_relation(before, before.resolve_new(view))
            is_known = before.is_complete
        case CreateIndex(takes_existing=True):
            index = before.beside(action.table, action.name or choose_index_name(action, before))
            what, name = "index", quote_identifier(index.name)
            is_there, is_known = _has_relation(before, index), before.is_complete
        case CreateSequence(sequence=sequence, takes_existing=True):
            what, name = "sequence", quote_name(sequence)
            is_there = _has_relation(before, before.resolve_new(sequence))
            is_known = before.is_complete and _OF_COLUMN.search(sequence.name) is None
        case CreateSchema(takes_existing=True):
            what, name = "schema", quote_identifier(action.name)
            is_there, is_known = action.name in before.schemas, before.is_complete
        case CreateExtension(takes_existing=True):
            # A server's template may bring it, and who may make one is often somebody else.
            what, name = "extension", quote_identifier(action.name)
            is_there, is_known = made.has_extension(action.name), False
        case _:
            return None
    if is_there:
        return WayBack()
    return None if is_known else _doubt(what, name)


def _has_relation(before: Catalog, name: QualifiedName) -> bool:
    """Return whether a relation of any kind has the name, which they share."""
    return name in before.tables or name in before.indexes or name in before.sequences


def _find_row_security(action: SetRowSecurity, before: Catalog) -> WayBack | None:
    name = quote_name(action.table)
    if action.change in {RowSecurity.FORCE, RowSecurity.NO_FORCE}:
        return WayBack(reason=f"nobody knows whether row security of {name} was forced before")
    found = before.table(action.table)
    wanted = action.change is RowSecurity.ENABLE
    if found is None or (found.is_older and not found.has_row_security):
        return WayBack(reason=f"nobody knows whether {name} had row security before")
    return WayBack() if found.has_row_security is wanted else None


def _doubt(what: str, name: str) -> WayBack:
    return WayBack(reason=f"nobody knows which {what} {name} was there before, if any")
