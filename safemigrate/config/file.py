"""The files a configuration is read from.

A directory's safemigrate.toml wins over the `[tool.safemigrate]` of its pyproject.toml.
"""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from safemigrate.config.settings import Config, RuleSettings
from safemigrate.errors import ConfigError
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION, ServerVersion, Severity

__all__ = ["load_config"]

_OFF = "off"
_SETTINGS = (*(severity.value for severity in Severity), _OFF)


class _Table(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The keys as written; each with its unit in its name."""

    pg_version: (
        Annotated[int, Meta(ge=OLDEST_VERSION.major, le=NEWEST_VERSION.major)] | UnsetType
    ) = UNSET
    rules: dict[str, object] = {}
    lock_timeout_ms: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    lock_attempts: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    deadline_s: Annotated[float, Meta(gt=0)] | UnsetType = UNSET


_EXAMPLES = {
    "deadline-s": "deadline-s = 600",
    "lock-attempts": "lock-attempts = 30",
    "lock-timeout-ms": "lock-timeout-ms = 100",
    "pg-version": "pg-version = 16",
    "rules": 'rules = { non-concurrent-index = "warning" }',
}
_KEYS = tuple(sorted(field.encode_name for field in msgspec.structs.fields(_Table)))


def load_config(directories: tuple[Path, ...]) -> Config:
    """Return the configuration of the first of the directories that has one.

    Without one, everything is unset. Raises ConfigError when a file looked at cannot be read, or
    says something unknown.
    """
    for directory in directories:
        for name, place in (("safemigrate.toml", ()), ("pyproject.toml", ("tool", "safemigrate"))):
            path = directory / name
            if not path.is_file():
                continue
            table = _descend(_read(path), place)
            if table is not None:
                return _decode(table, str(path), "".join(f"{part}." for part in place))
    return Config()


def _read(path: Path) -> Mapping[str, object]:
    """Return the file's content as TOML has it."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ConfigError(f'"{path}" cannot be read: {reason}', "check its permissions") from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f'"{path}" is not UTF-8 (byte {error.start + 1})', "save it as UTF-8, as TOML requires"
        ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Before Python 3.14 the position is in the message only: "… (at line 3, column 5)".
        reason = str(error)
        raise ConfigError(
            f'"{path}" is not valid TOML: {reason[:1].lower()}{reason[1:]}',
            "correct the line named",
        ) from error


def _descend(content: Mapping[str, object], place: tuple[str, ...]) -> Mapping[str, object] | None:
    """Return the table at that place; None when it is not there."""
    for part in place:
        inner = content.get(part)
        if not isinstance(inner, dict):
            return None
        content = inner
    return content


def _decode(table: Mapping[str, object], path: str, prefix: str) -> Config:
    """Return the table as a value; a ConfigError names the key's whole path."""
    for key in table:
        if key not in _KEYS:
            raise ConfigError(f'unknown key "{prefix}{key}" in "{path}"', _key_hint(key, prefix))
    try:
        read = msgspec.convert(table, _Table)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        place = place.rstrip("`")
        key = place.partition("[")[0].partition(".")[0]
        problem = problem.replace("`object`", "`table`").replace("`", "")
        raise ConfigError(
            f'"{prefix}{place}" in "{path}": {problem[:1].lower()}{problem[1:]}',
            f"for example: {_EXAMPLES[key]}",
        ) from error
    return Config(
        path=path,
        prefix=prefix,
        pg_version=None if read.pg_version is UNSET else ServerVersion(read.pg_version),
        rules=_rule_settings(read.rules, path, prefix),
        lock_timeout=(
            None if read.lock_timeout_ms is UNSET else timedelta(milliseconds=read.lock_timeout_ms)
        ),
        lock_attempts=None if read.lock_attempts is UNSET else read.lock_attempts,
        deadline=None if read.deadline_s is UNSET else timedelta(seconds=read.deadline_s),
    )


def _key_hint(key: str, prefix: str) -> str:
    """Return what to write instead of an unknown key."""
    if key == "tool" and not prefix:
        return 'in safemigrate.toml the keys stand at the top, without "tool.safemigrate"'
    close = get_close_matches(key, _KEYS, n=1)
    guess = f'did you mean "{close[0]}"? ' if close else ""
    return f"{guess}known keys: {', '.join(_KEYS)}"


def _rule_settings(rules: Mapping[str, object], path: str, prefix: str) -> RuleSettings:
    """Return the table `rules` as a value."""
    for name, setting in rules.items():
        if setting not in _SETTINGS:
            raise ConfigError(
                f'"{prefix}rules.{name}" in "{path}": {setting!r} is not a severity',
                f"one of: {', '.join(_SETTINGS)}",
            )
    return RuleSettings(
        severities={name: Severity(setting) for name, setting in rules.items() if setting != _OFF},
        disabled=frozenset(name for name, setting in rules.items() if setting == _OFF),
    )
