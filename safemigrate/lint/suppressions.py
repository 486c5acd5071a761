"""Comments that silence a finding, with a reason.

`-- safemigrate: ignore[rule-name] reason` in SQL, the same behind `#` in Python. Several rules
stand between the brackets with commas.

One comment silences, of each rule it names, the findings in one statement:

- In SQL, the statement whose line it ends, or the one below when it is alone on its line. At the
  line of a part of the statement (a subcommand of ALTER TABLE) it silences that part alone.
- In SQL that a call of a revision sends, the same, with all parts of the statement.
- In Python, the call whose line it ends or that it stands in, or the one below. Of several
  statements that the call sends, or sends again in a loop, it silences the first with such a
  finding. Comments can stand in rows, one for each statement.

What is written in a string of SQL, or in a string that is no SQL, is no comment.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from safemigrate.model import Migration, Span
from safemigrate.sql import Comment, blank_psql, read_comments, split_statements

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
    """Return the ignore comments of the file, in order."""
    text = migration.text
    if _MARK not in text:
        return ()
    places = _in_python(text) if migration.path.endswith(".py") else _in_sql(text)
    lines = text.split("\n")
    found = [_read(lines, *place) for place in places]
    return tuple(sorted(filter(None, found), key=lambda one: one.span))


_Place = tuple[int, int, str, Piece | None]
"""1-based line and column of a comment, its text, and the statement it belongs to."""


def _in_sql(text: str) -> Iterator[_Place]:
    for comment in read_comments(blank_psql(text)[0]):
        line = text.count("\n", 0, comment.offset) + 1
        yield line, comment.offset - text.rfind("\n", 0, comment.offset), comment.text, None


def _in_python(text: str) -> Iterator[_Place]:
    """Yield the comments of Python, and those of SQL in its strings, as far as they can be told."""
    with suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                comment = token.string.lstrip("#").strip()
                yield token.start[0], token.start[1] + 1, comment, None
    with suppress(SyntaxError, ValueError):
        for node, value in _strings(_parse(text)):
            yield from _in_string(text, node, value)


def _parse(text: str) -> ast.Module:
    # What Python has to say about the escapes in a revision, it says when it runs it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _strings(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Yield the strings in the tree, each with its value, once."""
    match node:
        case ast.Constant(value=str() as value):
            yield node, value
        case ast.JoinedStr(values=parts):
            # What stands between braces is some part of a statement.
            yield node, "".join(map(_constant, parts))
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _strings(child)


def _constant(part: ast.expr) -> str:
    return str(part.value) if isinstance(part, ast.Constant) else "_"


def _in_string(text: str, node: ast.expr, value: str) -> Iterator[_Place]:
    if _MARK not in value:
        return
    lines = text.split("\n")
    source = ast.get_source_segment(text, node) or ""
    start = len("\n".join(lines[: node.lineno - 1]) + "\n" * (node.lineno > 1))
    start += len(lines[node.lineno - 1].encode()[: node.col_offset].decode())
    for comment in read_comments(value):
        if not comment.text.startswith(_MARK):
            continue
        # Escapes and quotes make the source longer than the value: count the marks instead.
        before = value.count(_MARK, 0, comment.offset)
        at = start + source.rfind("--", 0, _find_nth(source, _MARK, before))
        line = text.count("\n", 0, at) + 1
        yield line, at - text.rfind("\n", 0, at), comment.text, _piece(value, comment)


def _find_nth(text: str, word: str, number: int) -> int:
    at = text.find(word)
    for _ in range(number):
        at = text.find(word, at + 1)
    return at


def _piece(value: str, comment: Comment) -> Piece:
    """Return the statement that the comment stands in, or whose line it ends, or the next."""
    pieces = split_statements(value)
    behind = [number for number, piece in enumerate(pieces) if piece.offset < comment.offset]
    number = len(behind)
    if behind:
        last = pieces[behind[-1]]
        end = last.offset + len(last.sql)
        if comment.offset < end or "\n" not in value[end : comment.offset]:
            number = behind[-1]
    sql = pieces[number].sql if number < len(pieces) else ""
    return Piece(sql, number, len(pieces))


def _read(
    lines: list[str], line: int, column: int, comment: str, piece: Piece | None
) -> Suppression | None:
    match = _DIRECTIVE.match(comment)
    if match is None:
        return None
    names = tuple(name.strip() for name in (match["rules"] or "").split(",") if name.strip())
    text = lines[line - 1]
    is_alone = not text[: column - 1].strip(_OPENING)
    return Suppression(
        rules=names,
        reason=match["reason"].strip(),
        span=Span(line, column, line, len(text.rstrip()) + 1),
        line=_line_below(lines, line) if is_alone else line,
        is_alone=is_alone,
        piece=piece,
    )


# What may stand before a comment that is alone on its line: blanks, and the quotes of a string.
_OPENING = " \t\"'"


def _line_below(lines: list[str], line: int) -> int:
    """Return the first line below that is more than a comment: ignores can stand in rows."""
    below = line + 1
    while below <= len(lines) and lines[below - 1].strip().startswith(("#", "--")):
        below += 1
    return below
