"""What a project can set."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from posixpath import join, relpath

from safemigrate.config.globs import matches_glob
from safemigrate.config.proving import VerifyChoices
from safemigrate.config.running import RunChoices
from safemigrate.errors import ConfigError
from safemigrate.model import ServerVersion, Severity

__all__ = [
    "ALL_RULES",
    "Config",
    "PathChoice",
    "RuleChoice",
    "RuleOptions",
    "RuleSettings",
    "check_rule_names",
]

ALL_RULES = "all"


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """What a project says that rules read; empty where it says nothing.

    `naming`: kind of object → the pattern its name must have. The kinds are `table`, `column`,
    `ix`, `uq`, `ck`, `fk`, `pk` and `ex`; a pattern is a regular expression, or a template of
    SQLAlchemy's `MetaData.naming_convention` (it has `%(`).
    `forbidden_types`: types no column may get, as PostgreSQL names them, such as `xml`.
    `required_columns`: name → type that every new table must have; an empty type means any.
    `allowed_extensions`: the only ones that may be created; empty means all.
    `watched_tables`: `schema.table` of tables that may not get columns or foreign keys unseen.
    `most_index_columns`: how many keys an index may have.
    `most_columns`: how many columns a table may have.
    """

    naming: Mapping[str, str] = field(default_factory=dict)
    forbidden_types: tuple[str, ...] = ()
    required_columns: Mapping[str, str] = field(default_factory=dict)
    allowed_extensions: tuple[str, ...] = ()
    watched_tables: tuple[str, ...] = ()
    most_index_columns: int = 3
    most_columns: int = 100


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """Which rules speak, and how loud.

    `severities`: rule name → the severity its findings get instead of the rule's own; a rule named
    here is on. `disabled`: names of rules that are off.
    `selected`, `ignored`: what is on and off beside that: names of rules, keys of families, `all`.
    What names a rule goes before what names its family, and that before `all`; where both lists
    say the same word, it is off.
    """

    severities: Mapping[str, Severity] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()
    selected: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PathChoice:
    """What is chosen for the files that `glob` matches, relative to the configuration's folder."""

    glob: str
    choice: RuleChoice


@dataclass(frozen=True, slots=True)
class RuleSettings(RuleChoice):
    """What a project changed about the judging.

    `per_path`: in the order written; what a later one says about a rule wins.
    `folder`: the absolute folder that globs are relative to. `here`: the absolute one that the
    paths of migrations are.
    `options`: what the project says that rules read.
    `small_table_rows`: up to how many rows a table counts as small; None for no such size.
    `start_after`: the last revision that is history, and not judged; None for none.
    """

    per_path: tuple[PathChoice, ...] = ()
    folder: str = "/"
    here: str = "/"
    options: RuleOptions = field(default_factory=RuleOptions)
    small_table_rows: int | None = None
    start_after: str | None = None

    def choices(self, path: str) -> tuple[RuleChoice, ...]:
        """Return what was chosen for the file at `path`, a later one going before the others."""
        relative = relpath(join(self.here, path), self.folder)
        matching = (one.choice for one in self.per_path if matches_glob(relative, one.glob))
        return (self, *matching)


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration of a project; what was not set is None or empty.

    `path`: the file it was read from, as shown to the user; None when there is none.
    `prefix`: what stands before a key's name in that file, such as `tool.safemigrate.`.
    `default_schema`: where names without a schema are looked for.
    `baseline`: the path of the file of findings that are left out.
    `imports`: modules to import before env.py and the revisions.
    `lock_timeout`: how long one attempt at a lock may wait. `lock_attempts`: how many there are.
    `deadline`: how long a run may wait in all. `run`: what else it says about running.
    `verify`: what it says about proving.
    """

    path: str | None = None
    prefix: str = ""
    pg_version: ServerVersion | None = None
    default_schema: str | None = None
    baseline: str | None = None
    rules: RuleSettings = field(default_factory=RuleSettings)
    imports: tuple[str, ...] = ()
    lock_timeout: timedelta | None = None
    lock_attempts: int | None = None
    deadline: timedelta | None = None
    run: RunChoices = field(default_factory=RunChoices)
    verify: VerifyChoices = field(default_factory=VerifyChoices)


def check_rule_names(
    config: Config, known: Collection[str], families: Collection[str] = ()
) -> None:
    """Raise ConfigError when the configuration names what is neither among `known` nor `families`.

    `families`: their keys, which `select` and `ignore` take like the names of rules.
    """
    _check_choice(config, config.rules, config.prefix, known, families)
    for one in config.rules.per_path:
        prefix = f'{config.prefix}per-path."{one.glob}".'
        _check_choice(config, one.choice, prefix, known, families)


def _check_choice(
    config: Config,
    choice: RuleChoice,
    prefix: str,
    known: Collection[str],
    families: Collection[str],
) -> None:
    for name in sorted({*choice.severities, *choice.disabled} - set(known)):
        raise ConfigError(
            f'unknown rule "{prefix}rules.{name}" in "{config.path}"',
            f'{_guess(name, known)}"safemigrate rule" lists the rules',
        )
    words = {ALL_RULES, *known, *families}
    for key, names in (("select", choice.selected), ("ignore", choice.ignored)):
        for name in sorted(names - words):
            raise ConfigError(
                f'"{prefix}{key}" in "{config.path}" names "{name}", which is neither a rule nor a '
                "family of rules",
                f'{_guess(name, words)}"safemigrate rule" lists the rules; the families are '
                f'{", ".join(families)}; "{ALL_RULES}" is every rule',
            )


def _guess(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f'did you mean "{close[0]}"? ' if close else ""
