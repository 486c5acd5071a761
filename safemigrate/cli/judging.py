"""What the commands that judge have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from safemigrate.cli.inputs import read_subject
from safemigrate.config import Config, check_rule_names, load_config
from safemigrate.facts import walk
from safemigrate.lint import judge, rules
from safemigrate.model import (
    OLDEST_VERSION,
    Catalog,
    LintResult,
    ServerVersion,
    Timeline,
)
from safemigrate.source import read_schema

__all__ = [
    "Walk",
    "changed_since_option",
    "judge_walk",
    "load_project_config",
    "paths_argument",
    "schema_option",
    "walk_inputs",
]

Function = TypeVar("Function", bound=Callable[..., object])


def paths_argument(function: Function) -> Function:
    """Add `[PATH]…`; the parameter is `paths: tuple[Path, ...]`."""
    return click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")(
        function
    )


def schema_option(function: Function) -> Function:
    """Add `--schema`; the parameter is `schema: Path | None`."""
    return click.option(
        "--schema",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="SQL that builds what exists before the migrations, such as pg_dump --schema-only "
        "writes.",
    )(function)


def changed_since_option(function: Function) -> Function:
    """Add `--changed-since`; the parameter is `changed_since: str | None`."""
    return click.option(
        "--changed-since",
        metavar="REF",
        help="Report only on files that are new or changed since the branch left this git "
        "reference.",
    )(function)


@dataclass(frozen=True, slots=True)
class Walk:
    """A history walked through for a command.

    `paths`: the `Migration.path` of what to report on; None means all.
    """

    config: Config
    timeline: Timeline
    paths: frozenset[str] | None


def walk_inputs(
    paths: tuple[Path, ...],
    *,
    config_path: Path,
    schema: Path | None,
    changed_since: str | None,
    pg_version: int | None,
) -> Walk:
    """Read the configuration and the migrations a command line names, and walk through them."""
    config = load_project_config(config_path)
    before = None if schema is None else read_schema(schema)
    version = _choose_version(config, pg_version)
    subject = read_subject(
        paths, config_path=config_path, version=version, changed_since=changed_since
    )
    timeline = walk(subject.history, before=before or Catalog(), version=version)
    return Walk(config, timeline, subject.paths)


def load_project_config(config_path: Path) -> Config:
    """Return the configuration beside an alembic.ini, or else of the current directory."""
    directories = dict.fromkeys((config_path.parent, Path()))
    config = load_config(tuple(directories))
    check_rule_names(config, rules().keys())
    return config


def _choose_version(config: Config, pg_version: int | None) -> ServerVersion:
    """Return the version that was asked for, or is configured, or else the oldest."""
    if pg_version is not None:
        return ServerVersion(pg_version)
    return config.pg_version or OLDEST_VERSION


def judge_walk(walked: Walk) -> LintResult:
    """Return what the rules say about it."""
    return judge(walked.timeline, settings=walked.config.rules, paths=walked.paths)
