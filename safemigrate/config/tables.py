"""A table of TOML → a typed struct, with errors that name the key by its whole path."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

import msgspec
from msgspec import Struct

from safemigrate.errors import ConfigError
from safemigrate.model.prose import as_clause

__all__ = ["convert_table", "list_keys"]

Kind = TypeVar("Kind", bound=Struct)


def convert_table(
    table: object, kind: type[Kind], path: str, prefix: str, examples: Mapping[str, str]
) -> Kind:
    """Return the table as a struct of that kind; one that is there.

    `path`: the file. `prefix`: what stands before a key's name in it, with its dot.
    `examples`: a right line for each key. Raises ConfigError.
    """
    if not isinstance(table, dict):
        raise ConfigError(
            f'"{prefix[:-1]}" in "{path}": expected table, got {type(table).__name__}',
            f"its keys are: {', '.join(list_keys(kind))}",
        )
    keys = list_keys(kind)
    for key in table:
        if key not in keys:
            raise ConfigError(
                f'unknown key "{prefix}{key}" in "{path}"', _key_hint(key, prefix, keys)
            )
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        place = place.rstrip("`").replace("[...]", "")
        key = place.partition("[")[0].partition(".")[0]
        problem = problem.replace("`object`", "`table`").replace("`", "")
        raise ConfigError(
            f'"{prefix}{place}" in "{path}": {as_clause(problem)}',
            f"for example: {examples[key]}",
        ) from error


def list_keys(kind: type[Struct]) -> tuple[str, ...]:
    """Return the keys of a table of that kind, as they are written."""
    return tuple(sorted(field.encode_name for field in msgspec.structs.fields(kind)))


def _key_hint(key: str, prefix: str, keys: tuple[str, ...]) -> str:
    """Return what to write instead of an unknown key."""
    if key == "tool" and not prefix:
        return 'in safemigrate.toml the keys stand at the top, without "tool.safemigrate"'
    close = get_close_matches(key, keys, n=1)
    guess = f'did you mean "{close[0]}"? ' if close else ""
    return f"{guess}known keys: {', '.join(keys)}"
