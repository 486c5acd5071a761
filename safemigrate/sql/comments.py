"""The comments of a text of SQL: what stands between its tokens."""

from collections.abc import Iterator
from dataclasses import dataclass

from safemigrate.sql.lexing import lex

__all__ = ["Comment", "read_comments"]


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment from `--` to the end of its line.

    `text`: what follows the dashes, without blanks around it. `offset`: 0-based character offset
    of the dashes.
    """

    text: str
    offset: int


def read_comments(sql: str, *, in_bodies: bool = False) -> tuple[Comment, ...]:
    """Return the `--` comments of `sql`, in order; never raises.

    Dashes in a string, a quoted name or a block comment are none. From an unterminated string on,
    nothing is read.
    `in_bodies`: those in the bodies of DO and functions as well, where they stand between dollars.
    """
    return tuple(_read(sql, in_bodies=in_bodies)) if "--" in sql else ()


def _read(sql: str, *, in_bodies: bool) -> Iterator[Comment]:
    first = ""
    for kind, start, end in lex(sql):
        if kind == "comment":
            yield Comment(sql[start + 2 : end].strip(), start)
        elif kind == "semicolon":
            first = ""
        elif kind == "word" and not first:
            first = sql[start:end].upper()
        elif kind == "string" and in_bodies and first in _WITH_BODIES and sql[start] == "$":
            begin = sql.index("$", start + 1) + 1
            # The quote that ends it can have no dashes in it.
            for inner in _read(sql[begin:end], in_bodies=False):
                yield Comment(inner.text, begin + inner.offset)


# The first words of the statements that have a body.
_WITH_BODIES = frozenset({"DO", "CREATE"})
