"""The table `options` → what a project says that rules read."""

import re
from collections.abc import Mapping
from typing import Annotated, get_type_hints

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct
from msgspec.structs import asdict

from safemigrate.config.settings import RuleOptions
from safemigrate.config.tables import convert_table
from safemigrate.errors import ConfigError

__all__ = ["read_options"]

# The kinds of object that a naming pattern can be for.
_NAMED_KINDS = ("table", "column", "ix", "uq", "ck", "fk", "pk", "ex")

# What SQLAlchemy's templates have, and no pattern of ours needs.
_TEMPLATE_MARK = "%("

_HINTS: Mapping[str, object] = get_type_hints(RuleOptions)
_EXAMPLES: Mapping[object, str] = {
    int: "{key} = 7",
    str: '{key} = "text"',
    tuple[str, ...]: '{key} = ["text"]',
    Mapping[str, str]: '{key} = {{ name = "text" }}',
}


def _field_type(hint: object) -> object:
    """Return what a key may hold: numbers are counts of something."""
    return (Annotated[int, Meta(ge=1)] if hint is int else hint) | UnsetType


# One key for each field of the dataclass, so that a new option is read as soon as it is there.
_Table: type[Struct] = defstruct(
    "_Table",
    [(name, _field_type(hint), UNSET) for name, hint in _HINTS.items()],
    frozen=True,
    forbid_unknown_fields=True,
    rename="kebab",
)


def read_options(table: Mapping[str, object], path: str, prefix: str) -> RuleOptions:
    """Return the options; a ConfigError names the key by `prefix` and the file by `path`."""
    examples = {
        name.replace("_", "-"): _EXAMPLES[hint].format(key=name.replace("_", "-"))
        for name, hint in _HINTS.items()
    }
    read = asdict(convert_table(table, _Table, path, prefix, examples))
    options = RuleOptions(**{name: value for name, value in read.items() if value is not UNSET})
    for kind, pattern in options.naming.items():
        _check_pattern(kind, pattern, f'"{prefix}naming.{kind}" in "{path}"')
    return options


def _check_pattern(kind: str, pattern: str, place: str) -> None:
    if kind not in _NAMED_KINDS:
        raise ConfigError(
            f"{place} is a pattern for no kind of object", f"one of: {', '.join(_NAMED_KINDS)}"
        )
    if _TEMPLATE_MARK in pattern:
        return
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigError(
            f"{place} is no regular expression: {error}",
            "a pattern is a regular expression, or a template of SQLAlchemy such as "
            '"ix_%(table_name)s_%(column_0_name)s"',
        ) from error
