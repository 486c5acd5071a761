"""An excerpt of a source file with a span marked under it."""

import re
import unicodedata
from dataclasses import dataclass

from safemigrate.model import Span
from safemigrate.model.secrets import hide_sql_passwords

__all__ = ["Excerpt", "cut_line", "mark_span", "one_line"]

_WIDTH = 100
_TAB = 4
_CUT = "…"
_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The first line of a span, as a terminal shows it, and the line of carets below."""

    line: str
    marks: str


def mark_span(text: str, span: Span) -> Excerpt | None:
    """Return the excerpt; None when the text has no such line.

    Passwords are hidden, tabs expanded, control characters replaced, a long line is cut around the
    span's start.
    Carets count in columns of a terminal: a wide character gets two.
    """
    lines = _LINE_END.split(text)
    if span.line > len(lines) or not lines[span.line - 1].strip():
        return None
    line = lines[span.line - 1].rstrip()
    is_one_line = span.end_line == span.line
    source = hide_sql_passwords(line)
    # a password that is shown shorter moves what stands behind it
    begin = min(len(hide_sql_passwords(line[: span.column - 1])), len(source))
    end = len(source)
    if is_one_line:
        end = min(len(hide_sql_passwords(line[: span.end_column - 1])), end)
    cells = [_cell(character) for character in source]
    first = _first_shown(cells, begin)
    last = _last_shown(cells, first)
    head, tail = _CUT * (first > 0), _CUT * (last < len(cells))
    before = len(head) + _width(cells[first:begin])
    carets = max(1, _width(cells[begin : min(end, last)]))
    more = "" if is_one_line else f" {_CUT}"
    return Excerpt(
        line=head + "".join(cells[first:last]) + tail,
        marks=" " * before + "^" * carets + more,
    )


def one_line(text: str) -> str:
    """Return the text on one line, without passwords.

    Runs of white space become one blank, control characters `�`.
    """
    return "".join(_cell(character) for character in " ".join(hide_sql_passwords(text).split()))


def cut_line(text: str, width: int = _WIDTH) -> str:
    """Return the text on one line, cut to that many columns of a terminal."""
    cells = [_cell(character) for character in one_line(text)]
    if _width(cells) <= width:
        return "".join(cells)
    shown = 0
    while _width(cells[: shown + 1]) < width:
        shown += 1
    return "".join(cells[:shown]).rstrip() + _CUT


def _cell(character: str) -> str:
    """Return what is shown for a character of a file."""
    if character == "\t":
        return " " * _TAB
    # A file must not be able to steer the terminal it is shown on.
    return "�" if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} else character


def _width(cells: list[str]) -> int:
    """Return the columns that the characters take on a terminal."""
    width = 0
    for character in "".join(cells):
        if unicodedata.combining(character):
            continue
        width += 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
    return width


def _first_shown(cells: list[str], begin: int) -> int:
    """Return the index of the first character to show, so that the span's start is seen."""
    if _width(cells) <= _WIDTH or _width(cells[:begin]) <= _WIDTH // 2:
        return 0
    first = begin
    while first > 0 and _width(cells[first - 1 : begin]) <= _WIDTH // 4:
        first -= 1
    return first


def _last_shown(cells: list[str], first: int) -> int:
    """Return the index behind the last character to show."""
    if _width(cells[first:]) <= _WIDTH:
        return len(cells)
    last = first
    while _width(cells[first : last + 1]) < _WIDTH:
        last += 1
    return last
