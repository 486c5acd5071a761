"""The rule book: one YAML file a rule, with cases that are judged and proved."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from safemigrate.config import RuleOptions
from safemigrate.config.options import read_options
from safemigrate.errors import ConfigError
from safemigrate.lint import rule_packages
from safemigrate.model import OLDEST_VERSION, LockMode

__all__ = ["Case", "Place", "RuleCases", "load_rule_cases", "rule_book", "rule_book_folder"]

_NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]
_Major = Annotated[int, msgspec.Meta(ge=OLDEST_VERSION.major)]


class _Struct(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """What every part of a case file has in common: unknown keys are an error."""


class Place(_Struct, frozen=True, kw_only=True):
    """Where a finding must be: 1-based line and column in the code of the case.

    `column` is left out where the code is Alembic and only the line is promised.
    `rule` is set where another rule than the file's own must speak as well.
    """

    line: int
    column: int | None = None
    rule: str | None = None


class Case(_Struct, frozen=True, kw_only=True):
    """One migration that must, or must not, be found fault with.

    Exactly one of `bad`, `good` (SQL) and `bad_alembic`, `good_alembic` (the body of
    `upgrade()`) is given; `downgrade` is the body of `downgrade()` where that is the matter.
    `finds`: the places of this rule's findings, all of them, for a bad case.
    `locks`, `rewrites`, `scans`: what a server must show on the tables and views of the schema
    while the migration runs, its downgrade as well where one is given: every mode stronger than
    ACCESS SHARE, the strongest by `schema.table`, and lists of `schema.table`.
    `schema`: instead of the file's own, where the case needs another; empty where nothing is
    known of what is there, and then the case is not run on a server.
    `pg`: the oldest major version the case runs on. `why`: a line for the reader.
    `options`: instead of the file's own.
    """

    id: _NonEmpty
    why: str = ""
    bad: str | None = None
    good: str | None = None
    bad_alembic: str | None = None
    good_alembic: str | None = None
    downgrade: str | None = None
    schema: str | None = None
    pg: _Major = OLDEST_VERSION.major
    finds: tuple[Place, ...] = ()
    locks: dict[str, LockMode] | None = None
    rewrites: tuple[str, ...] | None = None
    scans: tuple[str, ...] | None = None
    options: dict[str, object] | None = None

    @property
    def is_bad(self) -> bool:
        """Whether the rule must object."""
        return self.bad is not None or self.bad_alembic is not None

    @property
    def sql(self) -> str | None:
        """The migration, where it is SQL."""
        return self.bad if self.bad is not None else self.good

    @property
    def alembic(self) -> str | None:
        """The body of `upgrade()`, where it is Alembic."""
        return self.bad_alembic if self.bad_alembic is not None else self.good_alembic


class RuleCases(_Struct, frozen=True, kw_only=True):
    """The case file of one rule.

    `schema`: the SQL of what exists before each migration. `options`: what the project says, as
    in the table `options` of the configuration.
    """

    rule: _NonEmpty
    schema: str = ""
    options: dict[str, object] = {}
    cases: tuple[Case, ...]

    def schema_of(self, case: Case) -> str:
        """Return what exists before the case."""
        return self.schema if case.schema is None else case.schema

    def options_of(self, case: Case) -> RuleOptions:
        """Return what the project of the case says.

        Raises:
            ConfigError: for an option that there is not, or a value it cannot have.
        """
        table = self.options if case.options is None else case.options
        return read_options(table, f"{self.rule}.yml", "options.")


def load_rule_cases(path: Path) -> RuleCases:
    """Return the content of a case file.

    Raises:
        ConfigError: naming the file and the key, when it is not as it must be.
    """
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        cases = msgspec.convert(loaded, RuleCases)
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as err:
        raise ConfigError(
            f'"{path.name}" is not a case file: {err}', "rules/README.md shows the form"
        ) from err
    for case in cases.cases:
        cases.options_of(case)
        given = [case.bad, case.good, case.bad_alembic, case.good_alembic]
        if sum(code is not None for code in given) != 1:
            raise ConfigError(
                f'case "{case.id}" in "{path.name}" must have exactly one migration',
                "give one of bad, good, bad-alembic, good-alembic",
            )
        if case.is_bad != bool(case.finds):
            raise ConfigError(
                f'case "{case.id}" in "{path.name}" must have "finds" exactly when it is bad',
                "list the line and column of each finding of a bad case",
            )
    return cases


def rule_book_folder() -> Path:
    """Return the folder of the case files: in the wheel, or at the top of a checkout."""
    package = Path(__file__).parent.parent
    packaged = package / "rulebook"
    return packaged if packaged.is_dir() else package.parent / "rules"


@cache
def rule_book() -> Mapping[str, RuleCases]:
    """Return every case file by the name of its rule, sorted.

    Those of a package that is plugged in stand beside its rules.
    """
    _, *plugged_in = rule_packages()
    folders = [rule_book_folder(), *(Path(path) for one in plugged_in for path in one.__path__)]
    files = sorted((path for folder in folders for path in folder.glob("*.yml")), key=_stem)
    return {path.stem: load_rule_cases(path) for path in files}


def _stem(path: Path) -> str:
    return path.stem
