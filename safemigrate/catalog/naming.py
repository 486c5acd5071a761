"""The names PostgreSQL chooses where the SQL gives none.

Source: `ChooseRelationName` and `makeObjectName` in src/backend/commands/indexcmds.c.
"""

import re
from collections.abc import Container, Sequence
from collections.abc import Set as AbstractSet

from safemigrate.model import Catalog, ConstraintDefinition, ConstraintKind, CreateIndex

__all__ = ["choose_constraint_name", "choose_index_name"]

_LIMIT = 63  # NAMEDATALEN - 1, in bytes

_SUFFIXES = {
    ConstraintKind.PRIMARY_KEY: "pkey",
    ConstraintKind.UNIQUE: "key",
    ConstraintKind.FOREIGN_KEY: "fkey",
    ConstraintKind.CHECK: "check",
    ConstraintKind.EXCLUDE: "excl",
    ConstraintKind.NOT_NULL: "not_null",
}


def choose_constraint_name(
    table: str, definition: ConstraintDefinition, taken: Container[str]
) -> str:
    """Return the name of a constraint, given or chosen; `taken` are the table's other names."""
    if definition.name is not None:
        return definition.name
    suffix = _SUFFIXES[definition.kind]
    # An index is named after the columns it merely includes, too, and a key after its index.
    columns: Sequence[str] = (*definition.columns, *definition.included)
    if definition.kind is ConstraintKind.PRIMARY_KEY:
        columns = ()
    elif definition.kind is ConstraintKind.CHECK and definition.expression is not None:
        # A table CHECK over one column is named after it, over several after none.
        found = definition.expression.columns
        columns = found if len(found) == 1 else ()
    return _first_free(table, "_".join(columns), suffix, taken)


def choose_index_name(
    action: CreateIndex, catalog: Catalog, also: AbstractSet[str] = frozenset()
) -> str:
    """Return the bare name of an index, given or chosen; `also`: names that are taken as well."""
    if action.name is not None:
        return action.name
    columns: list[str] = []
    keys = [column.column or _name_expression(column.text) for column in action.columns]
    for name in (*keys, *action.included):
        number = 0
        # Two keys of one name are told apart by numbers (`ChooseIndexColumnNames`).
        while (numbered := name + (str(number) if number else "")) in columns:
            number += 1
        columns.append(numbered)
    taken = _Names(catalog.indexes.bare_names, also)
    return _first_free(action.table.name, "_".join(columns), "idx", taken)


class _Names(Container[str]):
    """The names of several collections."""

    def __init__(self, *names: Container[str]) -> None:
        self._names = names

    def __contains__(self, name: object) -> bool:
        return any(name in names for names in self._names)


_CALL = re.compile(r"(?:\w+\.)*(\w+)\(")


def _name_expression(text: str) -> str:
    """Return what an expression is called in the name: its function, else "expr"."""
    call = _CALL.match(text)
    return "expr" if call is None else call[1]


def _first_free(table: str, columns: str, suffix: str, taken: Container[str]) -> str:
    """Return table_columns_suffix, cut to fit, with a number behind where it is taken."""
    number = 0
    while True:
        ending = suffix + (str(number) if number else "")
        name = _fit(table, columns, ending)
        if name not in taken:
            return name
        number += 1


def _fit(table: str, columns: str, ending: str) -> str:
    """Shorten the longer of the two parts, byte by byte, until all fits."""
    first, second = table.encode(), columns.encode()
    overhead = len(ending.encode()) + 1 + (1 if second else 0)
    while len(first) + len(second) > _LIMIT - overhead:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    parts = [first.decode(errors="ignore"), second.decode(errors="ignore"), ending]
    return "_".join(part for part in parts if part)
