"""An excerpt of a source file with a span marked under it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from safemigrate.model import Span
from safemigrate.model.secrets import hide_sql_passwords

__all__ = [
    "Excerpt",
    "cut_line",
    "hide_controls",
    "mark_span",
    "one_line",
    "show_code",
    "split_lines",
]

_WIDTH = 100
_TAB = 4
_CUT = "…"
_LINE_END = re.compile(r"\r\n|\r|\n")
# How far above a line, and from a span on it, the word is looked for that makes a password of what
# is shown; a line may be as long as a file.
_LINES_ABOVE = 20
_REACH = 10_000
_NEAR = 2 * _WIDTH


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The first line of a span, as a terminal shows it, and the line of carets below."""

    line: str
    marks: str


def split_lines(text: str) -> list[str]:
    """Return the lines of a file, as spans count them."""
    return _LINE_END.split(text)


def mark_span(lines: Sequence[str], span: Span) -> Excerpt | None:
    """Return the excerpt; None when there is no such line, or nothing on it.

    `lines`: of the whole file, from `split_lines`.
    Passwords are hidden, tabs expanded, control characters replaced, a long line is cut around the
    span's start.
    Carets count in columns of a terminal: a wide character gets two.
    """
    if span.line > len(lines) or not lines[span.line - 1].strip():
        return None
    is_one_line = span.end_line == span.line
    source, begin, end = _hide_in_line(lines, span)
    left, right = max(0, begin - _NEAR), begin + _NEAR
    cells = _cells(source[left:right])
    begin, end = begin - left, end - left
    first = _first_shown(cells, begin)
    last = _last_shown(cells, first)
    head = _CUT * (left + first > 0)
    tail = _CUT * (left + last < len(source))
    before = len(head) + _width(cells[first:begin])
    carets = max(1, _width(cells[begin : min(end, last)]))
    more = "" if is_one_line else f" {_CUT}"
    return Excerpt(
        line=head + "".join(cells[first:last]) + tail,
        marks=" " * before + "^" * carets + more,
    )


def _hide_in_line(lines: Sequence[str], span: Span) -> tuple[str, int, int]:
    """Return the first line of the span without passwords, and where on it the span is.

    The lines above are looked at too: the word PASSWORD may stand there. Of a very long line, only
    what is around the span's start.
    """
    whole = lines[span.line - 1].rstrip()
    left = max(0, span.column - 1 - _REACH)
    line = whole[left : span.column - 1 + _REACH]
    head = lines[max(0, span.line - 1 - _LINES_ABOVE) : span.line - 1]
    above = "".join(f"{one}\n" for one in head)[-_REACH:] if left == 0 else ""
    hidden = hide_sql_passwords(above + line)
    start = hidden.rfind("\n") + 1

    def move(column: int) -> int:
        # a password that is shown shorter moves what stands behind it
        before = hide_sql_passwords(above + line[: max(0, column - 1 - left)])
        return min(max(len(before) - start, 0), len(hidden) - start)

    end = move(span.end_column) if span.end_line == span.line else len(hidden) - start
    return hidden[start:], move(span.column), end


def one_line(text: str) -> str:
    """Return the text on one line, without passwords.

    Runs of white space become one blank, control characters `�`.
    """
    return "".join(_cells(" ".join(hide_sql_passwords(text).split())))


def cut_line(text: str, width: int = _WIDTH) -> str:
    """Return the text on one line, cut to that many columns of a terminal."""
    cells = _cells(one_line(text))
    if _width(cells) <= width:
        return "".join(cells)
    shown = 0
    while _width(cells[: shown + 1]) < width:
        shown += 1
    return "".join(cells[:shown]).rstrip() + _CUT


def hide_controls(text: str) -> str:
    """Return the text with `�` for control characters and a blank for each line end."""
    return "".join(_cells(text.replace("\n", " ")))


def show_code(code: str) -> list[str]:
    """Return the lines of code to paste, without passwords and control characters."""
    lines = split_lines(hide_sql_passwords(code).strip("\r\n"))
    return ["".join(_cells(line)).rstrip() for line in lines]


def _cells(text: str) -> Sequence[str]:
    """Return what is shown for each character of a text."""
    # What is printable is no tab, and of no category that is not shown.
    return text if text.isprintable() else [_cell(character) for character in text]


def _cell(character: str) -> str:
    """Return what is shown for a character of a file."""
    if character == "\t":
        return " " * _TAB
    # A file must not be able to steer the terminal it is shown on; half a surrogate pair, of a
    # name that is not UTF-8, cannot be written at all.
    return "�" if unicodedata.category(character) in _UNSHOWN else character


_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _width(cells: Sequence[str]) -> int:
    """Return the columns that the characters take on a terminal."""
    text = "".join(cells)
    if text.isascii():
        return len(text)
    width = 0
    for character in text:
        if unicodedata.combining(character):
            continue
        width += 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
    return width


def _first_shown(cells: Sequence[str], begin: int) -> int:
    """Return the index of the first character to show, so that the span's start is seen."""
    if _width(cells) <= _WIDTH or _width(cells[:begin]) <= _WIDTH // 2:
        return 0
    first = begin
    while first > 0 and _width(cells[first - 1 : begin]) <= _WIDTH // 4:
        first -= 1
    return first


def _last_shown(cells: Sequence[str], first: int) -> int:
    """Return the index behind the last character to show."""
    if _width(cells[first:]) <= _WIDTH:
        return len(cells)
    last = first
    while _width(cells[first : last + 1]) < _WIDTH:
        last += 1
    return last
