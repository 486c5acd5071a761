"""The parameters of a statement as drivers and people write them → `$1`, `$2`, …."""

import re
from collections.abc import Iterator
from enum import Enum

from safemigrate.sql.lexing import lex

__all__ = ["Style", "find_style", "number_parameters"]


class Style(Enum):
    """How parameters are written; the values are those of SQLAlchemy's `paramstyle`."""

    PYFORMAT = "pyformat"
    FORMAT = "format"
    NAMED = "named"
    DOLLAR = "numeric_dollar"


# psycopg and psycopg2 look for them everywhere, also in a string.
_PERCENT = re.compile(r"%(?:(?P<percent>%)|\((?P<name>[^)]+)\)[sbt]|[sbt])")
_WRITTEN_PERCENT = re.compile(r"%(?:\(\w+\))?s\b")
_NAME = re.compile(r"(?<![:\w\]]):(?P<name>[A-Za-z_]\w*)")
_NUMBER = re.compile(r"\$(\d+)")


def find_style(sql: str) -> Style:
    """Return how the parameters of a statement are written that somebody wrote by hand."""
    code = "".join(sql[start:end] for start, end in _list_code(sql))
    if _WRITTEN_PERCENT.search(code):
        return Style.PYFORMAT
    return Style.NAMED if _NAME.search(code) else Style.DOLLAR


def number_parameters(sql: str, style: Style) -> tuple[str, tuple[str, ...]]:
    """Return the statement with numbered parameters, and what each number was called.

    A parameter without a name is called by its position, from 1.
    """
    match style:
        case Style.PYFORMAT | Style.FORMAT:
            return _replace_percent(sql)
        case Style.NAMED:
            return _replace_names(sql)
        case Style.DOLLAR:
            return sql, _list_numbers(sql)


def _replace_percent(sql: str) -> tuple[str, tuple[str, ...]]:
    names: list[str] = []

    def replace(match: re.Match[str]) -> str:
        if match["percent"]:
            return "%"
        return _number(names, match["name"] or str(len(names) + 1))

    return _PERCENT.sub(replace, sql), tuple(names)


def _replace_names(sql: str) -> tuple[str, tuple[str, ...]]:
    names: list[str] = []
    pieces: list[str] = []
    copied = 0
    for start, end in _list_code(sql):
        for match in _NAME.finditer(sql, start, end):
            pieces += [sql[copied : match.start()], _number(names, match["name"])]
            copied = match.end()
    return "".join([*pieces, sql[copied:]]), tuple(names)


def _number(names: list[str], name: str) -> str:
    if name not in names:
        names.append(name)
    return f"${names.index(name) + 1}"


def _list_numbers(sql: str) -> tuple[str, ...]:
    numbers = [
        int(match[1])
        for start, end in _list_code(sql)
        for match in _NUMBER.finditer(sql, start, end)
    ]
    return tuple(str(number) for number in range(1, max(numbers, default=0) + 1))


def _list_code(sql: str) -> Iterator[tuple[int, int]]:
    """Yield where there is no string, no quoted name and no comment."""
    start = 0
    for kind, first, last in lex(sql):
        if kind in {"block", "comment", "name", "string"}:
            yield start, first
            start = last
    yield start, len(sql)
