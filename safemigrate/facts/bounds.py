"""Which CHECK proves that rows fit the bound of a partition, or that they do not.

PostgreSQL proves it from the constraints (`ConstraintImpliedByRelConstraint` in
src/backend/commands/tablecmds.c). Here the common forms are known, over a key of one column:
comparisons with the ends of a range, and lists of values.
"""

import re
from collections.abc import Iterator

from safemigrate.model import PartitionBound

__all__ = ["excludes_bound", "implies_bound"]

_LONG_TYPES = r"character varying|double precision|time(?:stamp)? with(?:out)? time zone"
_CAST = re.compile(rf"::(?:{_LONG_TYPES}|[a-z_]\w*)(?:\(\d+(?:, ?\d+)*\))?")
_STRING = re.compile(r"'(?:[^']|'')*'")
_VALUE = r"'(?:[^']|'')*'|-?[\w.]+"


def implies_bound(check: str, column: str, bound: PartitionBound) -> bool:
    """Return whether every row that satisfies the check fits the bound.

    `check`: an expression as the deparser writes it. `column`: the key, as SQL. That it is NOT
    NULL is another matter.
    """
    said = set(_conjuncts(_plain(check)))
    if not bound.values:
        wanted = _range_ends(column, bound)
        return bool(wanted) and wanted <= said
    lists = (_list_values(part, column) for part in said)
    return any(found and found <= _values(bound) for found in lists)


def excludes_bound(check: str, column: str, bound: PartitionBound) -> bool:
    """Return whether no row that satisfies the check fits the bound."""
    for part in _conjuncts(_plain(check)):
        if not part.startswith("NOT "):
            found = _excluded_values(part, column)
            if bound.values and _values(bound) <= found:
                return True
            if set(_split(part, " OR ")) <= _outsides(column, bound):
                return True
            continue
        inner = set(_conjuncts(part.removeprefix("NOT "))) - {f"{column} IS NOT NULL"}
        if bound.values:
            lists = [_list_values(one, column) for one in inner]
            if len(lists) == 1 and _values(bound) <= lists[0]:
                return True
        elif inner and inner <= _range_ends(column, bound):
            return True
    return False


def _plain(text: str) -> str:
    """Return the text without casts of constants."""
    return _CAST.sub("", text)


def _range_ends(column: str, bound: PartitionBound) -> set[str]:
    ends = {f"{column} >= {_plain(value)}" for value in bound.lower if value is not None}
    return ends | {f"{column} < {_plain(value)}" for value in bound.upper if value is not None}


def _outsides(column: str, bound: PartitionBound) -> set[str]:
    """Return the conditions that are true on one side of the range alone."""
    below = {f"{column} < {_plain(value)}" for value in bound.lower if value is not None}
    return below | {f"{column} >= {_plain(value)}" for value in bound.upper if value is not None}


def _values(bound: PartitionBound) -> set[str]:
    return {_plain(value) for value in bound.values}


def _conjuncts(text: str) -> Iterator[str]:
    """Yield the parts that AND joins, without the parentheses around them."""
    parts = _split(text, " AND ")
    if len(parts) > 1:
        for part in parts:
            yield from _conjuncts(part)
    elif text.startswith("(") and _closing(text) == len(text) - 1:
        yield from _conjuncts(text[1:-1])
    else:
        yield text


def _closing(text: str) -> int:
    """Return where the parenthesis that the text begins with is closed."""
    depth = 0
    for position, letter in enumerate(_STRING.sub(lambda string: "'" * len(string[0]), text)):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return position
    return -1


def _split(text: str, separator: str) -> list[str]:
    """Return the parts between separators that stand in no parentheses and no string."""
    shown = _STRING.sub(lambda string: "'" * len(string[0]), text)
    parts, start, depth = [], 0, 0
    for position, letter in enumerate(shown):
        depth += (letter in "([") - (letter in ")]")
        if depth == 0 and position >= start and shown.startswith(separator, position):
            parts.append(text[start:position])
            start = position + len(separator)
    return [*parts, text[start:]]


def _list_values(part: str, column: str) -> set[str]:
    """Return the values that the condition lets the column have; none where it says else."""
    name = re.escape(column)
    equal = re.fullmatch(rf"{name} = ({_VALUE})", part)
    if equal is not None:
        return {equal[1]}
    listed = re.fullmatch(rf"{name} (?:IN \((.*)\)|= ANY\(ARRAY\[(.*)\]\))", part)
    return _read_list(listed[1] or listed[2]) if listed is not None else set()


def _excluded_values(part: str, column: str) -> set[str]:
    name = re.escape(column)
    unequal = re.fullmatch(rf"{name} <> ({_VALUE})", part)
    if unequal is not None:
        return {unequal[1]}
    listed = re.fullmatch(rf"{name} NOT IN \((.*)\)", part)
    return _read_list(listed[1]) if listed is not None else set()


def _read_list(text: str) -> set[str]:
    values = _split(text, ", ")
    return set(values) if all(re.fullmatch(_VALUE, value) for value in values) else set()
