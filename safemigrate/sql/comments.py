"""The comments of a text of SQL: what stands between its tokens."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.errors import SqlSyntaxError
from safemigrate.sql.parser import Token, read_tokens

__all__ = ["Comment", "read_comments"]

_LINE = re.compile(r"--(?P<text>[^\r\n]*)")
_BLOCK_EDGE = re.compile(r"/\*|\*/")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment from `--` to the end of its line.

    `text`: what follows the dashes, without blanks around it. `offset`: 0-based character offset
    of the dashes.
    """

    text: str
    offset: int


def read_comments(sql: str) -> tuple[Comment, ...]:
    """Return the `--` comments of `sql`, in order; never raises.

    Dashes in a string, a quoted name, a body between dollars or a block comment are none. From
    an unterminated string on, nothing is read.
    """
    tokens, end = _tokens(sql)
    starts = [0, *(token.end for token in tokens)]
    ends = [*(token.start for token in tokens), end]
    gaps = zip(starts, ends, strict=True)
    return tuple(comment for start, stop in gaps for comment in _in_gap(sql, start, stop))


def _tokens(sql: str) -> tuple[list[Token], int]:
    """Return the tokens as far as they can be told, and where that is."""
    try:
        return read_tokens(sql), len(sql)
    except SqlSyntaxError as err:
        offset = err.offset
    try:
        return read_tokens(sql[:offset]), offset
    except SqlSyntaxError:
        return [], 0


def _in_gap(sql: str, start: int, stop: int) -> Iterator[Comment]:
    """Yield the comments between two tokens, where nothing but comments and blanks can stand."""
    while start < stop:
        if sql.startswith("/*", start):
            start = _behind_block(sql, start, stop)
        elif (match := _LINE.match(sql, start, stop)) is not None:
            yield Comment(match["text"].strip(), start)
            start = match.end()
        else:
            start += 1


def _behind_block(sql: str, start: int, stop: int) -> int:
    """Return where the block comment ends; one may stand in another."""
    depth = 0
    for edge in _BLOCK_EDGE.finditer(sql, start, stop):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    return stop
