"""What the commands that judge have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from safemigrate.cli.baselines import BaselineChoice, leave_out_known
from safemigrate.cli.inputs import read_subject
from safemigrate.cli.resuming import walk_subject
from safemigrate.cli.schema import read_before
from safemigrate.cli.staging import ChangeChoice
from safemigrate.config import Config, check_rule_names, load_config
from safemigrate.lint import FAMILY_KEYS, choose_paths, judge, rules
from safemigrate.model import OLDEST_VERSION, LintResult, ServerVersion, Timeline
from safemigrate.source import find_config

__all__ = [
    "Walk",
    "judge_walk",
    "load_project_config",
    "paths_argument",
    "walk_inputs",
]

Function = TypeVar("Function", bound=Callable[..., object])


def paths_argument(function: Function) -> Function:
    """Add `[PATH]…`; the parameter is `paths: tuple[Path, ...]`."""
    return click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")(
        function
    )


@dataclass(frozen=True, slots=True)
class Walk:
    """A history walked through for a command.

    `paths`: the `Migration.path` of what to report on; None means all. `unstaged`: files that
    would be committed with other content than was read.
    """

    config: Config
    timeline: Timeline
    paths: frozenset[str] | None
    unstaged: tuple[Path, ...] = ()

    @property
    def judged(self) -> frozenset[str] | None:
        """The paths of what is judged of that; None means all."""
        return choose_paths(self.timeline, self.paths, self.config.rules.start_after)


def walk_inputs(
    paths: tuple[Path, ...],
    *,
    config_path: Path,
    schema: Path | None,
    changes: ChangeChoice | None,
    pg_version: int | None,
    is_remembered: bool = True,
) -> Walk:
    """Read the configuration and the migrations a command line names, and walk through them."""
    project = find_config(paths, config_path)
    config = load_project_config(
        project if isinstance(project, Path) else project.script_location / "alembic.ini"
    )
    before = read_before(schema, config.default_schema)
    version = _choose_version(pg_version, config.pg_version, before.version)
    subject = read_subject(
        paths,
        config=project,
        version=version,
        changes=changes,
        imports=config.imports,
        is_remembered=is_remembered,
    )
    # the revision that judging starts after has to be in the history
    may_resume = is_remembered and config.rules.start_after is None
    timeline = walk_subject(subject, before, version, is_remembered=may_resume)
    return Walk(config, timeline, subject.paths, subject.unstaged)


def load_project_config(config_path: Path) -> Config:
    """Return the configuration beside an alembic.ini, or else of the current directory."""
    directories = dict.fromkeys((config_path.parent, Path()))
    config = load_config(tuple(directories))
    check_rule_names(config, rules().keys(), FAMILY_KEYS.values())
    return config


def _choose_version(
    asked: int | None, configured: ServerVersion | None, seen: ServerVersion | None
) -> ServerVersion:
    """Return the version that was asked for, or is configured, or is the snapshot's."""
    if asked is not None:
        return ServerVersion(asked)
    return configured or seen or OLDEST_VERSION


def judge_walk(walked: Walk, choice: BaselineChoice | None = None) -> LintResult:
    """Return what the rules say about it, but for what the baseline has."""
    result = judge(walked.timeline, settings=walked.config.rules, paths=walked.paths)
    return leave_out_known(
        result,
        walked.config,
        timeline=walked.timeline,
        paths=walked.paths,
        choice=choice or BaselineChoice(),
    )
