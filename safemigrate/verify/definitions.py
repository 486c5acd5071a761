"""The definition of an object, as `snapshot.sql` writes it: `name=value`, and so on."""

import re
from collections.abc import Iterable

__all__ = [
    "IDENTIFIER",
    "find_indexed_table",
    "join_definition",
    "read_attributes",
    "split_definition",
]

_SEPARATOR = "\x1f"
IDENTIFIER = r'(?:"(?:[^"]|"")*"|[^\s".]+)'
"""The pattern of a name as SQL writes it."""
_INDEXED = re.compile(rf" ON (?:ONLY )?(?P<table>{IDENTIFIER}\.{IDENTIFIER}) USING ")


def split_definition(definition: str) -> list[str]:
    """Return the attributes, each as `name=value`."""
    return definition.split(_SEPARATOR)


def join_definition(attributes: Iterable[str]) -> str:
    """Return the definition that has the attributes, each given as `name=value`."""
    return _SEPARATOR.join(attributes)


def read_attributes(definition: str) -> dict[str, str]:
    """Return the values by name."""
    pairs = (part.partition("=") for part in split_definition(definition) if part)
    return {name: value for name, _, value in pairs}


def find_indexed_table(definition: str) -> str:
    """Return the identity of the table that an index is on, "" where it does not say one."""
    found = _INDEXED.search(definition)
    return "" if found is None else found["table"]
