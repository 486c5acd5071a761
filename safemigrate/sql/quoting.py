"""Quoting for SQL that people read and paste: quotes only where PostgreSQL needs them."""

import re
from functools import cache

from safemigrate.model import QualifiedName
from safemigrate.sql.parser import read_tokens

__all__ = ["quote_identifier", "quote_literal", "quote_name"]

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
# No key word has any other.
_KEYWORD_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz_")


@cache
def quote_identifier(name: str) -> str:
    """Return `name` as an identifier: as it is where that reads back the same, else quoted.

    Manual: "SQL Syntax", 4.1.1, identifiers and key words.
    """
    if _PLAIN.match(name):
        if not _KEYWORD_LETTERS.issuperset(name):
            return name
        tokens = read_tokens(name)
        if len(tokens) == 1 and not tokens[0].is_reserved:
            return name
    return '"' + name.replace('"', '""') + '"'


def quote_name(name: QualifiedName) -> str:
    """Return a possibly qualified name, each part quoted where needed."""
    if name.schema is None:
        return quote_identifier(name.name)
    return f"{quote_identifier(name.schema)}.{quote_identifier(name.name)}"


def quote_literal(value: str) -> str:
    """Return `value` as a string constant (standard_conforming_strings on)."""
    return "'" + value.replace("'", "''") + "'"
