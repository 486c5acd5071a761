"""What the recording must know of a statement's text, without parsing it."""

import re
from collections.abc import Mapping, Sequence
from enum import Enum

__all__ = [
    "TransactionEffect",
    "bind_values",
    "first_keyword",
    "is_query",
    "number_placeholders",
    "transaction_effect",
]

_LEADING = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/|[(;])*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]+")
_RETURNING = re.compile(r"\breturning\b", re.IGNORECASE)
_QUERIES = frozenset({"SELECT", "WITH", "SHOW", "VALUES", "TABLE", "EXPLAIN", "FETCH", "EXECUTE"})
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_TO_SAVEPOINT = re.compile(r"\s*(?:WORK\s+|TRANSACTION\s+)?(TO|PREPARED)\b", re.IGNORECASE)
_AND_CHAIN = re.compile(r"\bAND\s+CHAIN\b", re.IGNORECASE)

_PLACEHOLDER = re.compile(r"%%|%\((?P<name>[^)]+)\)[sbt]|%[sbt]")


class TransactionEffect(Enum):
    """What a statement's own words do to the transaction it runs in."""

    NONE = "none"
    OPENS = "opens"
    CLOSES = "closes"
    CHAINS = "chains"


def first_keyword(sql: str) -> str:
    """Return the first word of the statement, in capitals; empty when there is none."""
    word = _WORD.match(sql, _skip(sql))
    return word.group().upper() if word else ""


def transaction_effect(sql: str) -> TransactionEffect:
    """Return what BEGIN, COMMIT and their kin do; ROLLBACK TO a savepoint does nothing here."""
    word = _WORD.match(sql, _skip(sql))
    if word is None:
        return TransactionEffect.NONE
    keyword, rest = word.group().upper(), sql[word.end() :]
    second = first_keyword(rest)
    if keyword == "BEGIN" or (keyword, second) == ("START", "TRANSACTION"):
        return TransactionEffect.OPENS
    if (keyword, second) == ("PREPARE", "TRANSACTION"):
        return TransactionEffect.CLOSES
    if keyword in {"COMMIT", "END", "ROLLBACK", "ABORT"} and not _TO_SAVEPOINT.match(rest):
        return TransactionEffect.CHAINS if _AND_CHAIN.search(rest) else TransactionEffect.CLOSES
    return TransactionEffect.NONE


def is_query(sql: str) -> bool:
    """Return whether the database answers with rows."""
    keyword = first_keyword(sql)
    return keyword in _QUERIES or (keyword in _CHANGES and bool(_RETURNING.search(sql)))


def number_placeholders(sql: str, parameters: object, before: int = 0) -> str:
    """Return the text with `%s` and `%(name)s` as `$1`, `$2`, and `%%` as one percent sign.

    `parameters`: what was given with it; without any the text is returned as it is. `before`: how
    many numbers are taken.
    """
    if "%" not in sql or not parameters:
        return sql
    if not isinstance(parameters, (Mapping, Sequence)):
        return sql
    text, _ = _number(sql, before)
    return text


def bind_values(sql: str, parameters: object) -> tuple[object, ...]:
    """Return the values of `$1`, `$2`, … in what `number_placeholders` makes of the same."""
    if isinstance(parameters, Mapping):
        _, names = _number(sql)
        return tuple(parameters.get(name) for name in names)
    if isinstance(parameters, Sequence) and not isinstance(parameters, (str, bytes)):
        return tuple(parameters)
    return ()


def _number(sql: str, before: int = 0) -> tuple[str, list[str]]:
    """Return the text with numbered placeholders, and the names of those that had one."""
    names: dict[str, int] = {}
    position = before

    def replace(match: re.Match[str]) -> str:
        nonlocal position
        if match.group() == "%%":
            return "%"
        name = match.group("name")
        if name is None:
            position += 1
            return f"${position}"
        return f"${names.setdefault(name, before + len(names) + 1)}"

    return _PLACEHOLDER.sub(replace, sql), list(names)


def _skip(sql: str) -> int:
    """Return where the first word stands, behind white space, comments and brackets."""
    leading = _LEADING.match(sql)
    return leading.end() if leading else 0
