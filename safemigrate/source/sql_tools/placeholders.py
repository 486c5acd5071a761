"""Placeholders of templates in SQL: what stands for them, so that the rest can be read.

`${name}`, `{{ name }}`, `$(name)` and `%%name%%` become names of the same length, and blocks such
as `{% if %}` and `{{ range }}` become blanks, so that every place in the text stays what it was.
In comments, and in strings that are no body of a function, nothing is a placeholder.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from safemigrate.errors import SqlSyntaxError
from safemigrate.source.statement_text import first_keyword
from safemigrate.sql import RawStatement, quote_identifier, read_actions
from safemigrate.sql.lexing import lex

__all__ = ["Filled", "Placeholder", "Settled", "fill_placeholders", "settle_statement"]

_MARKS = ("${", "{{", "{%", "{#", "$(", "%%")
_PATTERN = re.compile(
    r"""
      \$\{ [^{}\r\n]+ \}
    | \{\{ (?: [^{}] | \}(?!\}) | \{(?!\{) )* \}\}
    | \{% .*? %\}
    | \{\# .*? \#\}
    | \$\( [A-Za-z_]\w* \)
    | %% [A-Za-z_]\w* %%
    """,
    re.VERBOSE | re.DOTALL,
)
# Words that make of `{{ … }}` a block in the templates of Go and of Handlebars.
_BLOCK = re.compile(
    r"\{\{-?\s*(?:[#/!^]|(?:if|else|end|range|with|define|block|break|continue)\b|\$\w+\s*:?=)"
)
_NO_LETTERS = re.compile(r"[^A-Za-z0-9_]+")
_VISIBLE = re.compile(r"[^\r\n]")
_LINE = re.compile(r"[^\r\n]+")
_CLOSED = frozenset({"block", "comment", "name", "string"})
_WITH_BODY = frozenset({"CREATE", "DO"})
# How far into a statement its first word is looked for.
_NEAR = 2000


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder as it is written, and its 0-based character offsets in the text.

    `is_block`: it decides what else is there, and stands for nothing itself. `is_quoted`: it stands
    in a quoted name, and is left there.
    """

    text: str
    start: int
    end: int
    is_block: bool = False
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """A text without placeholders, of the same length and lines, and those it had, in order."""

    text: str
    placeholders: tuple[Placeholder, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """A statement with values for its placeholders; None when nothing makes it a statement.

    `unknown`: those of its placeholders that may stand for any statement.
    """

    statement: RawStatement | None
    unknown: Sequence[Placeholder] = ()


def fill_placeholders(text: str) -> Filled:
    """Return the text with names in the place of placeholders."""
    if not any(mark in text for mark in _MARKS) or _PATTERN.search(text) is None:
        return Filled(text)
    found = tuple(_find(text, 0, len(text)))
    return Filled(_fill(text, found, _name), found)


def settle_statement(statement: RawStatement, inside: Sequence[Placeholder]) -> Settled:
    """Return the statement as it parses, with a name, string, number or nothing for each.

    `inside`: its placeholders, by offsets into the whole text.
    """
    own = [
        replace(one, start=one.start - statement.offset, end=one.end - statement.offset)
        for one in inside
        if not one.is_block and not one.is_quoted
    ]
    sql = statement.sql
    values = dict.fromkeys(own, 0)
    while (fault := _find_fault(sql)) is not None:
        guilty = _choose_guilty(own, fault)
        if guilty is None or values[guilty] == len(_VALUES) - 1:
            return Settled(None, inside)
        values[guilty] += 1
        sql = _fill(sql, [guilty], _VALUES[values[guilty]])
    bare = sql.strip()
    start = len(sql) - len(sql.lstrip())
    unknown = [one for one in inside[:1] if start > 0]
    return Settled(RawStatement(bare, statement.offset + start), unknown)


def _find_fault(sql: str) -> int | None:
    """Return the offset at which the statement does not parse; None when it does."""
    try:
        read_actions(sql)
    except SqlSyntaxError as error:
        return error.offset
    return None


def _choose_guilty(own: Sequence[Placeholder], fault: int) -> Placeholder | None:
    """Return the placeholder that an error is about: the last that begins there or before."""
    before = [one for one in own if one.start <= fault]
    return before[-1] if before else None


def _find(text: str, position: int, limit: int) -> list[Placeholder]:
    """Return the placeholders between two offsets, the first of which is in no string."""
    found: list[Placeholder] = []
    statement = position
    while match := _PATTERN.search(text, position, limit):
        closed = None
        for kind, start, end in lex(text, position):
            if start >= match.start():
                break
            if kind == "semicolon":
                statement = end
            if end > match.start():
                closed = (kind, start, end) if kind in _CLOSED else None
                break
        if closed is None:
            found.append(_read(match))
            position = match.end()
            continue
        kind, start, end = closed
        position = max(end, match.end()) if kind == "name" else end
        if kind == "name":
            found.append(replace(_read(match), is_quoted=True))
        elif text[start] == "$" and _has_body(text, statement):
            found += _find_in_body(text, start, end)
    return found


def _has_body(text: str, start: int) -> bool:
    return first_keyword(text[start : start + _NEAR]) in _WITH_BODY


def _find_in_body(text: str, start: int, end: int) -> list[Placeholder]:
    """Return the placeholders in a string between dollars."""
    inner = text.index("$", start + 1) + 1
    return _find(text, inner, max(inner, end - (inner - start)))


def _read(match: re.Match[str]) -> Placeholder:
    text = match.group()
    is_block = text.startswith(("{%", "{#")) or _BLOCK.match(text) is not None
    return Placeholder(text, match.start(), match.end(), is_block)


def _fill(text: str, placeholders: Sequence[Placeholder], value: Callable[[str], str]) -> str:
    """Return the text with a value for each placeholder, and blanks up to the old length."""
    pieces = []
    end = 0
    for one in placeholders:
        if one.is_quoted:
            continue
        pieces.append(text[end : one.start])
        end = one.end
        blank = _VISIBLE.sub(" ", one.text)
        word = "" if one.is_block else value(one.text)
        joins_last = _is_of_word(text[one.start - 1 : one.start])
        joins_next = _is_of_word(text[end : end + 1])
        pieces.append(_place(word, blank, joins_last=joins_last, joins_next=joins_next))
    return "".join([*pieces, text[end:]])


def _place(word: str, blank: str, *, joins_last: bool, joins_next: bool) -> str:
    """Return the blanks with the word in them, on one line and beside what it belongs to."""
    room = max(_LINE.findall(blank), key=len)
    word = word[: len(room)]
    if word and joins_last and joins_next:
        return blank.replace(room, word.ljust(len(room), "_"), 1)
    if joins_next:
        before, _, after = blank.rpartition(room)
        return before + word.rjust(len(room)) + after
    return blank.replace(room, word.ljust(len(room)), 1)


def _is_of_word(letter: str) -> bool:
    return letter.isalnum() or letter in {"_", "$"}


def _name(placeholder: str) -> str:
    """Return a name, no longer than the placeholder, that is no key word."""
    name = _NO_LETTERS.sub("_", placeholder).strip("_").lower()
    if not name or name[0].isdigit():
        name = f"_{name}"
    return name if quote_identifier(name) == name else f"{name}_"


def _string(placeholder: str) -> str:
    return f"'{_NO_LETTERS.sub('_', placeholder).strip('_')}'"


def _number(_: str) -> str:
    return "1"


def _nothing(_: str) -> str:
    return ""


# In the order in which they are tried.
_VALUES = (_name, _string, _number, _nothing)
