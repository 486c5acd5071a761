"""sqlfluff: asked about one text at a time; the only importer of it beside the plugin.

https://docs.sqlfluff.com/en/stable/reference/api.html
"""

import fnmatch
from collections.abc import Iterator
from configparser import Error as IniError
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlfluff.core import FluffConfig, Linter, SQLBaseError
from sqlfluff.core.config import clear_config_caches
from sqlfluff.core.config.file import load_config_file_as_dict
from sqlfluff.core.config.loader import load_config_up_to_path
from sqlfluff.core.errors import SQLFluffSkipFile, SQLFluffUserError
from sqlfluff.core.rules.base import RulePack
from sqlfluff.core.types import ConfigMappingType

from safemigrate.errors import ConfigError
from safemigrate.source.text import LineIndex
from safemigrate.style.plugin import GROUP

__all__ = ["Fluff", "Violation", "default_style"]

_INLINE = "sqlfluff:"
_UNREAD = frozenset({"LXR", "PRS", "TMP"})
# Those of sqlfluff itself, which run nothing of the project's but sandboxed templates. Others,
# such as dbt's, run programs.
_TEMPLATERS = frozenset({"jinja", "placeholder", "python", "raw"})
_LIBRARIES = (("core", "library_path"), ("templater", "jinja", "library_path"))
# What sqlfluff reads in each folder from the file's up to the user's own.
_FILES = ("pyproject.toml", ".sqlfluff", "pep8.ini", "tox.ini", "setup.cfg")
# What it raises for such a file: its text is none of the kind, or a value of a kind of its own.
_UNREADABLE = (
    AssertionError,
    AttributeError,
    IniError,
    OSError,
    SQLFluffUserError,
    TypeError,
    ValueError,
)
_NOT_LOADED = (
    "style: the modules of library_path are not loaded, for that would run them; "
    "what the template takes from them is not known"
)


@dataclass(frozen=True, slots=True)
class Violation:
    """What sqlfluff says of a place: offsets into the text, the end exclusive.

    `is_unread`: it could not read what stands there. `is_note`: the message says what was not done.
    """

    code: str
    message: str
    start: int
    end: int
    is_unread: bool = False
    is_note: bool = False


def default_style() -> Path:
    """Return the file of the style that holds where a project has none: in the wheel, or here."""
    package = Path(__file__).parent.parent
    packaged = package / "rulebook" / "style.cfg"
    return packaged if packaged.is_file() else package.parent / "rules" / "style.cfg"


class Fluff:
    """sqlfluff as the project configures it; remembers what it has said of a text."""

    def __init__(self) -> None:
        # Within one process, files of configuration may have changed since somebody else asked.
        clear_config_caches()
        self._config = cache(_configure)
        self._pack = cache(_choose_rules)
        self._known: dict[tuple[str, str, bool], tuple[Violation, ...]] = {}

    def limit(self, path: Path) -> int:
        """Return the most bytes that sqlfluff may be asked about at `path`; 0 for no limit.

        Raises ConfigError for a configuration that sqlfluff does not take.
        """
        value = self._config(path.parent, is_file=True).get("large_file_skip_byte_limit")
        return value if isinstance(value, int) else 0

    def ask(self, sql: str, path: Path, *, is_file: bool) -> tuple[Violation, ...]:
        """Return what is said of a text that stands in the file at `path`.

        Raises ConfigError for a configuration that sqlfluff does not take.
        """
        key = (sql, str(path.parent), is_file)
        if key not in self._known:
            self._known[key] = tuple(self._ask(sql, path, is_file=is_file))
        return self._known[key]

    def _ask(self, sql: str, path: Path, *, is_file: bool) -> Iterator[Violation]:
        config = self._config(path.parent, is_file=is_file)
        templater = config.get("templater_obj").name
        if templater not in _TEMPLATERS:
            reason = f'style: the templater "{templater}" is not used, for it may run programs'
            yield Violation("", reason, 0, 0, is_note=True)
            return
        try:
            if _INLINE in sql:
                # the text says something about its own configuration, which is not that of others
                config = config.copy()
                config.process_raw_file_for_config(sql, str(path))
                pack = _choose_rules(config)
            else:
                pack = self._pack(config)
            config, is_without_library = _drop_libraries(config)
            linter = Linter(config=config)
            # not parse_string(), which would read again what the text says of the libraries
            rendered = linter.render_string(sql, str(path), config, "utf-8")
            parsed = linter.parse_rendered(rendered)
            found = linter.lint_parsed(parsed, pack).get_violations()
        except (SQLFluffUserError, SQLFluffSkipFile) as error:
            raise _refused(path, error) from error
        if is_without_library and templater == "jinja" and ("{{" in sql or "{%" in sql):
            yield Violation("", _NOT_LOADED, 0, 0, is_note=True)
        index = LineIndex(sql)
        for one in sorted(found, key=lambda one: (one.line_no, one.line_pos)):
            yield _read(one, sql, index)


def _configure(folder: Path, *, is_file: bool) -> FluffConfig:
    """Return the configuration of the files in a folder.

    SQL in Python is sent as it is, and no template.
    """
    overrides: ConfigMappingType = {"dialect": "postgres"}
    if not is_file:
        overrides["templater"] = "raw"
    try:
        own = load_config_up_to_path(str(folder))
    except _UNREADABLE as error:
        raise _name_file(folder, error) from error
    try:
        if own:
            return FluffConfig(configs=own, overrides=overrides)
        text = default_style().read_text(encoding="utf-8")
        return FluffConfig.from_string(text, overrides=overrides)
    except (SQLFluffUserError, ValueError) as error:
        raise _refused(folder, error) from error


def _drop_libraries(config: FluffConfig) -> tuple[FluffConfig, bool]:
    """Return the configuration without modules to import, and whether there were any.

    sqlfluff would import the project's own for the templates, which nobody has asked for.
    """
    named = [(*place, name) for *place, name in _LIBRARIES if config.get(name, section=place)]
    if not named:
        return config, False
    config = config.copy()
    for place in named:
        config.set_value(place, "none")
    return config, True


def _refused(path: Path, error: Exception) -> ConfigError:
    reason = " ".join(str(error).split()).rstrip(".")
    return ConfigError(
        f'sqlfluff cannot be asked about "{path}": {reason}',
        "correct the sqlfluff configuration of the project",
    )


def _name_file(folder: Path, error: Exception) -> ConfigError:
    """Return the error that names the file which cannot be read; sqlfluff does not say so."""
    here = folder.absolute()
    for place in dict.fromkeys((here, *here.parents, Path.home())):
        for name in _FILES:
            path = place / name
            try:
                if path.is_file():
                    load_config_file_as_dict(str(path))
            except _UNREADABLE as found:
                reason = " ".join(str(found).replace("<string>", name).split()).rstrip(".")
                return ConfigError(
                    f'sqlfluff cannot read "{path}": {reason}',
                    "correct the file; sqlfluff is configured there",
                )
    return _refused(folder, error)


def _choose_rules(config: FluffConfig) -> RulePack:
    """Return sqlfluff's rules that are on; ours are asked by ourselves.

    Raises ConfigError for one that is not there: sqlfluff would ask the others, if any, and say so
    in its log alone.
    """
    pack = Linter(config=config).get_rulepack()
    known = pack.reference_map
    for name in config.get("rule_allowlist") or ():
        if name not in known and not fnmatch.filter(known, name):
            raise ConfigError(
                f'sqlfluff has no rule "{name}"',
                "correct `rules` in the sqlfluff configuration of the project",
            )
    return RulePack([one for one in pack.rules if GROUP not in one.groups], pack.reference_map)


def _read(error: SQLBaseError, sql: str, index: LineIndex) -> Violation:
    start = _offset(sql, index, error.line_no, error.line_pos)
    said = error.to_dict()
    end_line, end_column = said.get("end_line_no"), said.get("end_line_pos")
    end = start
    if isinstance(end_line, int) and isinstance(end_column, int):
        end = _offset(sql, index, end_line, end_column)
    code = error.rule_code()
    segment = getattr(error, "segment", None)
    is_unread = code in _UNREAD
    message = segment.raw if is_unread and segment is not None else error.desc()
    return Violation(code, message, start, max(end, start), is_unread)


def _offset(sql: str, index: LineIndex, line: int, column: int) -> int:
    """Return the offset of a place that sqlfluff gives: all kinds of line ends are one to it."""
    if line > len(index.starts):
        return len(sql)
    return min(index.start(line) + max(column, 1) - 1, len(sql))
