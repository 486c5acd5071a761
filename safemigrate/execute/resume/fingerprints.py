"""What a statement says, in a form that can be compared later."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from safemigrate.sql.lexing import lex

__all__ = ["Fingerprint", "fingerprint_of"]

_LENGTH = 32
_SEPARATOR = "\x00"
# Where an object without words of its own lies in memory.
_ADDRESS = re.compile(r" at 0x[0-9A-Fa-f]+")
_TEXTS = frozenset({"string", "name"})
_COMMENTS = frozenset({"comment", "block"})


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`words`: of the text, white space, comments and the case of words aside. `values`: bound."""

    words: str
    values: str

    def __str__(self) -> str:
        return f"{self.words}-{self.values}"

    @classmethod
    def read(cls, text: str) -> "Fingerprint":
        """Return what `str` of it was."""
        words, _, values = text.partition("-")
        return cls(words, values)


def fingerprint_of(sql: str, parameters: object) -> Fingerprint:
    """Return the fingerprint; `parameters` are as the driver takes them, one set or many."""
    return Fingerprint(_hash(_list_tokens(sql)), _hash(_describe(parameters)))


def _hash(pieces: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:_LENGTH]


def _list_tokens(sql: str) -> Iterator[str]:
    """Yield the tokens; a semicolon at the end is none."""
    before, held = -1, ""
    for kind, start, end in lex(sql):
        if kind in _COMMENTS:
            continue
        text = sql[start:end]
        # a doubled quote stands in the middle of one token
        joins = kind in _TEXTS and start == before
        before = end
        yield held
        held = "" if joins else _SEPARATOR
        if kind == "semicolon":
            held += text
        else:
            yield held
            held = ""
            yield text.lower() if kind == "word" else text


def _describe(value: Any) -> Iterator[str]:
    """Yield the value in words that are the same in another process."""
    if isinstance(value, Mapping):
        yield "{"
        for key, one in value.items():
            yield f"{key!r}:"
            yield from _describe(one)
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for one in value:
            yield from _describe(one)
            yield ","
        yield "]"
    elif isinstance(value, set | frozenset):
        yield from _describe(sorted(value, key=repr))
    elif isinstance(value, memoryview):
        yield repr(bytes(value))
    else:
        # what psycopg and psycopg2 wrap as JSON shows itself cut short, or not at all
        inner = getattr(value, "obj", getattr(value, "adapted", value))
        if inner is not value:
            yield type(value).__name__
            yield from _describe(inner)
        else:
            yield _ADDRESS.sub("", repr(value))
