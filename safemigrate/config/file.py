"""The files a configuration is read from.

A directory's safemigrate.toml wins over the `[tool.safemigrate]` of its pyproject.toml.
"""

import tomllib
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from safemigrate.config.options import read_options
from safemigrate.config.proving import read_verify_choices
from safemigrate.config.running import read_run_choices
from safemigrate.config.settings import Config, PathChoice, RuleChoice, RuleSettings
from safemigrate.config.tables import convert_table
from safemigrate.errors import ConfigError
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION, ServerVersion, Severity
from safemigrate.model.prose import as_clause

__all__ = ["load_config"]

Value = TypeVar("Value")
Made = TypeVar("Made")

_OFF = "off"
_SETTINGS = (*(severity.value for severity in Severity), _OFF)

_Name = Annotated[str, Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=1)]


class _Choice(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The keys that choose rules."""

    select: tuple[_Name, ...] = ()
    ignore: tuple[_Name, ...] = ()
    rules: dict[str, object] = {}


class _Table(_Choice, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """The keys as written; each with its unit in its name."""

    pg_version: (
        Annotated[int, Meta(ge=OLDEST_VERSION.major, le=NEWEST_VERSION.major)] | UnsetType
    ) = UNSET
    default_schema: _Name | UnsetType = UNSET
    per_path: dict[_Name, object] = {}
    options: dict[str, object] = {}
    small_table_rows: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    start_after: _Name | UnsetType = UNSET
    baseline: _Name | UnsetType = UNSET
    imports: tuple[_Name, ...] = ()
    lock_timeout_ms: _Count | UnsetType = UNSET
    lock_attempts: _Count | UnsetType = UNSET
    deadline_s: Annotated[float, Meta(gt=0)] | UnsetType = UNSET
    run: dict[str, object] = {}
    verify: dict[str, object] = {}


_EXAMPLES = {
    "baseline": 'baseline = "safemigrate-baseline.json"',
    "deadline-s": "deadline-s = 600",
    "default-schema": 'default-schema = "app"',
    "ignore": 'ignore = ["float-for-money", "naming"]',
    "imports": 'imports = ["app.models", "geoalchemy2"]',
    "lock-attempts": "lock-attempts = 30",
    "lock-timeout-ms": "lock-timeout-ms = 100",
    "options": "options = { most-columns = 60 }",
    "per-path": 'per-path = { "legacy/**" = { ignore = ["types"] } }',
    "pg-version": "pg-version = 16",
    "rules": 'rules = { non-concurrent-index = "warning" }',
    "run": 'run = { when-busy = "wait" }',
    "select": 'select = ["naming"]',
    "small-table-rows": "small-table-rows = 1000",
    "start-after": 'start-after = "3f1a2b4c5d6e"',
    "verify": "verify = { rows = 100 }",
}


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
                return _decode(table, path, "".join(f"{part}." for part in place))
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
            f'"{path}" is not valid TOML: {as_clause(reason)}',
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


def _decode(table: Mapping[str, object], path: Path, prefix: str) -> Config:
    """Return the table as a value; a ConfigError names the key's whole path."""
    shown = str(path)
    read = convert_table(table, _Table, shown, prefix, _EXAMPLES)
    folder = path.parent
    return Config(
        path=shown,
        prefix=prefix,
        pg_version=_or_none(read.pg_version, ServerVersion),
        default_schema=_or_none(read.default_schema, str),
        baseline=_or_none(read.baseline, lambda name: str(folder / name)),
        rules=_rule_settings(read, path, prefix),
        imports=read.imports,
        lock_timeout=_or_none(read.lock_timeout_ms, lambda ms: timedelta(milliseconds=ms)),
        lock_attempts=_or_none(read.lock_attempts, int),
        deadline=_or_none(read.deadline_s, lambda seconds: timedelta(seconds=seconds)),
        run=read_run_choices(read.run, shown, f"{prefix}run."),
        verify=read_verify_choices(read.verify, shown, f"{prefix}verify.", folder),
    )


def _or_none(value: Value | UnsetType, make: Callable[[Value], Made]) -> Made | None:
    return None if isinstance(value, UnsetType) else make(value)


def _rule_settings(read: _Table, path: Path, prefix: str) -> RuleSettings:
    """Return everything that changes the judging."""
    shown = str(path)
    own = _choice(read, shown, prefix)
    per_path = []
    for glob, table in read.per_path.items():
        below = f'{prefix}per-path."{glob}".'
        choice = convert_table(table, _Choice, shown, below, _EXAMPLES)
        per_path.append(PathChoice(glob, _choice(choice, shown, below)))
    return RuleSettings(
        severities=own.severities,
        disabled=own.disabled,
        selected=own.selected,
        ignored=own.ignored,
        per_path=tuple(per_path),
        folder=path.absolute().parent.as_posix(),
        here=Path.cwd().as_posix(),
        options=read_options(read.options, shown, f"{prefix}options."),
        small_table_rows=_or_none(read.small_table_rows, int),
        start_after=_or_none(read.start_after, str),
    )


def _choice(read: _Choice, path: str, prefix: str) -> RuleChoice:
    """Return what the keys `select`, `ignore` and `rules` say."""
    for name, setting in read.rules.items():
        if setting not in _SETTINGS:
            raise ConfigError(
                f'"{prefix}rules.{name}" in "{path}": {setting!r} is not a severity',
                f"one of: {', '.join(_SETTINGS)}",
            )
    loud = {name: setting for name, setting in read.rules.items() if setting != _OFF}
    return RuleChoice(
        severities={name: Severity(setting) for name, setting in loud.items()},
        disabled=frozenset(read.rules) - frozenset(loud),
        selected=frozenset(read.select),
        ignored=frozenset(read.ignore),
    )
