"""The project's own workload: a file of SQL statements, or a script for pgbench."""

import re
from collections.abc import Iterator
from pathlib import Path

from safemigrate.errors import UsageError
from safemigrate.model.secrets import quote_sql
from safemigrate.source.excerpt import show_path
from safemigrate.sql import split_statements
from safemigrate.verify.traffic.work import Bounds, Command, Variable, Work

__all__ = ["read_workload"]

_WIDTH = 60
# https://www.postgresql.org/docs/current/pgbench.html, "Custom Scripts" and "Meta Commands"
_META = re.compile(r"^[ \t]*\\(?P<command>\S*)[ \t]*(?P<rest>.*)$", re.MULTILINE)
_SET = re.compile(r"(?P<name>\w+)\s+(?P<value>\S.*?)\s*$")
_NUMBER = re.compile(r"[+-]?\d+")
_RANDOM = re.compile(r"random\(\s*(?P<least>[+-]?\d+)\s*,\s*(?P<most>[+-]?\d+)\s*\)")
_REFERENCE = re.compile(r":(?P<name>\w+)")
# As pgbench finds them: also in a string, and not in a cast.
_VARIABLE = re.compile(r"(?<!:):(?P<name>[A-Za-z_]\w*)")


def read_workload(path: Path) -> Work:
    r"""Return what the file says the application does.

    Raises UsageError for a file that cannot be read, that has no statement, or that has a command
    of pgbench other than `\set name number`, `\set name :other` and `\set name random(a, b)`.
    """
    shown = show_path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        raise UsageError(
            f'the workload "{shown}" cannot be read: {err.strerror}', "give a file of SQL"
        ) from err
    except UnicodeDecodeError as err:
        raise UsageError(f'the workload "{shown}" is not UTF-8', "give a file of SQL") from err
    steps = tuple(_read_steps(text, shown))
    if not any(isinstance(step, Command) for step in steps):
        raise UsageError(
            f'the workload "{shown}" has no statement',
            "write what the application sends, each statement with a semicolon at its end",
        )
    # with values in it a text is another one each time, and pgbench prepares nothing either
    has_values = any(isinstance(step, Variable) for step in steps)
    return Work(steps, is_prepared=not has_values)


def _read_steps(text: str, shown: str) -> Iterator[Command | Variable]:
    known: set[str] = set()
    start = 0
    for found in _META.finditer(text):
        yield from _read_commands(text, start, found.start(), shown, known)
        place = f"{shown}:{_line(text, found.start())}"
        variable = _read_meta(found["command"], found["rest"], place, known)
        known.add(variable.name)
        yield variable
        start = found.end()
    yield from _read_commands(text, start, len(text), shown, known)


def _read_meta(command: str, rest: str, place: str, known: set[str]) -> Variable:
    if command != "set":
        hint = (
            r"write \set name random(a, b)"
            if command == "setrandom"
            else r"of pgbench's own commands only \set is understood here"
        )
        raise UsageError(f"{place}: \\{command} cannot be done", hint)
    found = _SET.fullmatch(rest)
    if found is not None and (value := _read_value(found["value"], known)) is not None:
        return Variable(found["name"], value)
    raise UsageError(
        f"{place}: \\set {rest.strip()} cannot be read",
        r"\set takes a whole number, the :name of a variable set before, or random(a, b) with two"
        " whole numbers, the smaller one first",
    )


def _read_value(text: str, known: set[str]) -> int | Bounds | str | None:
    if _NUMBER.fullmatch(text):
        return int(text)
    if (found := _RANDOM.fullmatch(text)) is not None:
        bounds = Bounds(int(found["least"]), int(found["most"]))
        return bounds if bounds.least <= bounds.most else None
    if (other := _REFERENCE.fullmatch(text)) is not None and other["name"] in known:
        return other["name"]
    return None


def _read_commands(
    text: str, start: int, end: int, shown: str, known: set[str]
) -> Iterator[Command]:
    """Yield the statements between two commands of pgbench."""
    for statement in split_statements(text[start:end]):
        line = _line(text, start + statement.offset)
        shortened = quote_sql(statement.sql, _WIDTH)
        yield Command(f"{shortened} ({shown}:{line})", _split_pieces(statement.sql, known))


def _split_pieces(sql: str, known: set[str]) -> tuple[str, ...]:
    r"""Return text and names in turn; what no `\set` has named is left as it is, as in pgbench."""
    pieces = [""]
    start = 0
    for found in _VARIABLE.finditer(sql):
        if found["name"] not in known:
            continue
        pieces[-1] += sql[start : found.start()]
        pieces += [found["name"], ""]
        start = found.end()
    pieces[-1] += sql[start:]
    return tuple(pieces)


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
