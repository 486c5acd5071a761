"""Comments that silence a finding, with a reason.

`-- safemigrate: ignore[rule-name] reason` in SQL, the same behind `#` in Python. Several rules
stand between the brackets with commas.

One comment silences, of each rule it names, the findings in one statement:

- In SQL, the statement whose line it ends, or the one below when it is alone on its line. At the
  line of a part of the statement (a subcommand of ALTER TABLE, a statement in the body of DO or of
  a function) it silences that part alone.
- In SQL that a call of a revision sends, the same, with all parts of the statement.
- In Python, the call whose line it ends or that it stands in, or the one below. Of several
  statements that the call sends, or sends again in a loop, it silences the first with such a
  finding. Comments can stand in rows, one for each statement.

What is written in a string of SQL that is no body, or in a string that is no SQL, is no comment.
"""

import ast
import io
import re
import tokenize
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter

from safemigrate.model import Migration, Span
from safemigrate.source.text import LineIndex, parse_python, split_lines
from safemigrate.sql import Comment, RawStatement, blank_psql, read_comments, split_statements

__all__ = ["Piece", "Suppression", "find_suppressions"]

_MARK = "safemigrate:"
_DIRECTIVE = re.compile(r"safemigrate:\s*ignore\s*(?:\[(?P<rules>[^\]]*)\])?\s*(?P<reason>.*)")


@dataclass(frozen=True, slots=True)
class Piece:
    """The statement that a comment in a string of Python belongs to.

    `number`: 0-based, of the `count` statements in the string. `sql` is empty where none follows.
    """

    sql: str
    number: int
    count: int


@dataclass(frozen=True, slots=True)
class Suppression:
    """One ignore comment: the rules it names, why, where it stands, and the line it covers.

    `line`: the 1-based line a silenced finding begins on; its own, or for one that `is_alone` on
    its line, the first below that is more than a comment.
    `piece`: the statement it belongs to, where it stands in SQL inside of Python.
    """

    rules: tuple[str, ...]
    reason: str
    span: Span
    line: int
    is_alone: bool = False
    piece: Piece | None = None


def find_suppressions(migration: Migration) -> tuple[Suppression, ...]:
    """Return the ignore comments of the file, in order; never raises."""
    text = migration.text
    if _MARK not in text:
        return ()
    places = _in_python(text) if migration.path.endswith(".py") else _in_sql(text)
    lines = _Lines(text)
    found = [_read(lines, *place) for place in places]
    return tuple(sorted(filter(None, found), key=lambda one: one.span))


_Place = tuple[int, int, str, Piece | None]
"""1-based line and column of a comment, its text, and the statement it belongs to."""


def _in_sql(text: str) -> Iterator[_Place]:
    index = LineIndex(text)
    for comment in read_comments(blank_psql(text)[0], in_bodies=True):
        yield *index.place(comment.offset), comment.text, None


def _in_python(text: str) -> Iterator[_Place]:
    """Yield the comments of Python, and those of SQL in its strings, as far as they can be told."""
    # Python may refuse the text for what it says, or for how deep it goes.
    with suppress(tokenize.TokenError, SyntaxError, ValueError):
        source = io.StringIO(text, newline=None)
        for token in tokenize.generate_tokens(source.readline):
            if token.type == tokenize.COMMENT:
                comment = token.string.lstrip("#").strip()
                yield token.start[0], token.start[1] + 1, comment, None
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        index = LineIndex(text)
        for node, value in _strings(parse_python(text)):
            yield from _in_string(text, index, node, value)


def _strings(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield the strings in the tree, each with its value, once."""
    waiting = [tree]
    while waiting:
        match waiting.pop():
            case ast.Constant(value=str() as value) as node:
                yield node, value
            case ast.JoinedStr(values=parts) as node:
                # What stands between braces is some part of a statement.
                yield node, "".join(map(_constant, parts))
            case node:
                waiting += reversed(list(ast.iter_child_nodes(node)))


def _constant(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "_"


def _in_string(text: str, index: LineIndex, node: ast.expr, value: str) -> Iterator[_Place]:
    if _MARK not in value:
        return
    start = _offset(text, index, node.lineno, node.col_offset)
    end = _offset(text, index, node.end_lineno or node.lineno, node.end_col_offset or 0)
    pieces = split_statements(value)
    # Escapes and quotes make the source longer than the value: count the marks instead.
    marks = [mark.start() for mark in re.finditer(_MARK, value)]
    written = [mark.start() for mark in re.compile(_MARK).finditer(text, start, end)]
    for comment in read_comments(value, in_bodies=True):
        if comment.text.startswith(_MARK):
            number = bisect_left(marks, comment.offset)
            at = text.rfind("--", start, written[number]) if number < len(written) else start
            yield *index.place(max(at, start)), comment.text, _piece(value, comment, pieces)


def _offset(text: str, index: LineIndex, line: int, column: int) -> int:
    """Return the character offset of a place that Python gives, the column in bytes from 0."""
    start = index.start(line)
    before = text[start : start + column].encode()[:column]
    return start + len(before.decode(errors="ignore"))


def _piece(value: str, comment: Comment, pieces: list[RawStatement]) -> Piece:
    """Return the statement that the comment stands in, or whose line it ends, or the next."""
    number = bisect_left(pieces, comment.offset, key=attrgetter("offset"))
    if number > 0:
        last = pieces[number - 1]
        end = last.offset + len(last.sql)
        if comment.offset < end or value.find("\n", end, comment.offset) < 0:
            number -= 1
    sql = pieces[number].sql if number < len(pieces) else ""
    return Piece(sql, number, len(pieces))


class _Lines:
    """The lines of a file, and what may be asked about them for each of many comments."""

    def __init__(self, text: str) -> None:
        self._lines = split_lines(text)
        self._ends = [len(line.rstrip()) + 1 for line in self._lines]
        self._below = list(range(2, len(self._lines) + 2))
        for number in range(len(self._lines) - 1, 0, -1):
            # What is but a comment has nothing to silence: ignores can stand in rows.
            if self._lines[number].lstrip().startswith(("#", "--")):
                self._below[number - 1] = self._below[number]

    def end(self, line: int) -> int:
        """Return the column behind the last letter of a line."""
        return self._ends[line - 1]

    def below(self, line: int) -> int:
        """Return the first line below that is more than a comment."""
        return self._below[line - 1]

    def is_alone(self, line: int, column: int) -> bool:
        """Return whether a comment that begins there is alone on its line."""
        return _OPENING.fullmatch(self._lines[line - 1], 0, column - 1) is not None


# What may stand before a comment that is alone on its line: blanks, and the quotes of a string.
_OPENING = re.compile(r"[ \t\"']*+")


def _read(
    lines: _Lines, line: int, column: int, comment: str, piece: Piece | None
) -> Suppression | None:
    match = _DIRECTIVE.match(comment)
    if match is None:
        return None
    names = tuple(name.strip() for name in (match["rules"] or "").split(",") if name.strip())
    is_alone = lines.is_alone(line, column)
    return Suppression(
        rules=names,
        reason=match["reason"].strip(),
        span=Span(line, column, line, lines.end(line)),
        line=lines.below(line) if is_alone else line,
        is_alone=is_alone,
        piece=piece,
    )
