"""A string of Python → its value, and where each character of that is written."""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Written", "read_literal"]

_ESCAPE = re.compile(
    r"\\(?:\n|[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|.)", re.DOTALL
)
_KNOWN = frozenset("\\'\"abfnrtv01234567xuUN")
_STRING = re.compile(r"(?P<prefix>[a-zA-Z]*)(?P<quotes>'''|\"\"\"|'|\")")
_LAYOUT = frozenset(
    {
        tokenize.COMMENT,
        tokenize.DEDENT,
        tokenize.ENDMARKER,
        tokenize.INDENT,
        tokenize.NEWLINE,
        tokenize.NL,
        tokenize.OP,
    }
)


@dataclass(frozen=True, slots=True)
class Written:
    """A text, and for each of its characters the offset in the file where it is written.

    `offsets` has one more, for the end.
    """

    text: str
    offsets: tuple[int, ...]


def read_literal(source: str, start: int, end: int, value: str) -> Written | None:
    """Return the string literals, one or several in a row, that stand between two offsets.

    `value`: what Python reads there. None where it is not known what is written where, such as for
    formatted strings.
    """
    characters: list[str] = []
    offsets: list[int] = []
    try:
        with warnings.catch_warnings():
            # what Python has to say about an escape, it says when it runs the revision
            warnings.simplefilter("ignore")
            for offset, literal in _list_strings(source[start:end]):
                for piece, place in _read_one(literal):
                    characters.append(piece)
                    offsets += [start + offset + place] * len(piece)
    except (tokenize.TokenError, SyntaxError, ValueError):
        return None
    text = "".join(characters)
    return Written(text, (*offsets, end)) if text == value else None


def _list_strings(code: str) -> Iterator[tuple[int, str]]:
    """Yield the strings in a row of them, each with its offset; raises ValueError for more."""
    # In brackets they may stand on several lines.
    wrapped = f"({code})"
    starts = [0]
    for line in io.StringIO(wrapped):
        starts.append(starts[-1] + len(line))
    for token in tokenize.generate_tokens(io.StringIO(wrapped).readline):
        if token.type == tokenize.STRING:
            number, column = token.start
            yield starts[number - 1] + column - 1, token.string
        elif token.type not in _LAYOUT:
            raise ValueError(token.string)


def _read_one(literal: str) -> Iterator[tuple[str, int]]:
    """Yield what each piece of one literal stands for, and where in it that is written."""
    opening = _STRING.match(literal)
    if opening is None or set(opening["prefix"].lower()) & set("bft"):
        raise ValueError(literal)
    position, end = opening.end(), len(literal) - len(opening["quotes"])
    is_raw = "r" in opening["prefix"].lower()
    while position < end:
        found = None if is_raw else _ESCAPE.match(literal, position, end)
        escape = "" if found is None else found.group()
        if escape[1:2] in _KNOWN and escape:
            yield ast.literal_eval(f"'{escape}'"), position
        elif escape != "\\\n":
            # Python keeps the backslash of an escape that it does not know.
            escape = literal[position]
            yield escape, position
        position += len(escape)
