"""What the commands that judge have in common."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import click

from safemigrate.cli.baselines import BaselineChoice, leave_out_known
from safemigrate.cli.inputs import read_subject
from safemigrate.cli.resuming import walk_subject
from safemigrate.cli.schema import read_before
from safemigrate.cli.staging import Change, ChangeChoice
from safemigrate.config import Config, check_rule_names, load_config
from safemigrate.lint import FAMILY_KEYS, STYLE, Further, choose_paths, judge, rules
from safemigrate.model import OLDEST_VERSION, LintResult, ServerVersion, Severity, Timeline
from safemigrate.model.history import NO_SUCH_REVISION, SEVERAL_HEADS
from safemigrate.source import find_config

__all__ = [
    "Walk",
    "find_missing",
    "has_findings",
    "has_unloadable",
    "judge_walk",
    "list_faults",
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

    `paths`: the `Migration.path` of what to report on; None means all. `change`: what git says
    beside, where it chooses.
    """

    config: Config
    timeline: Timeline
    paths: frozenset[str] | None
    change: Change = field(default_factory=Change)

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
    version = choose_version(pg_version, config.pg_version, before.version)
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
    # which revisions a folder without a configuration lacks is not known
    is_of_history = subject.change.is_of_history and isinstance(project, Path)
    change = replace(subject.change, is_of_history=is_of_history)
    return Walk(config, timeline, subject.paths, change)


def load_project_config(config_path: Path) -> Config:
    """Return the configuration beside an alembic.ini, or else of the current directory."""
    directories = dict.fromkeys((config_path.parent, Path()))
    config = load_config(tuple(directories))
    check_rule_names(config, {*rules(), STYLE}, FAMILY_KEYS.values())
    return config


def choose_version(
    asked: int | None, configured: ServerVersion | None, seen: ServerVersion | None
) -> ServerVersion:
    """Return the version that was asked for, or is configured, or is the snapshot's."""
    if asked is not None:
        return ServerVersion(asked)
    return configured or seen or OLDEST_VERSION


def judge_walk(
    walked: Walk, choice: BaselineChoice | None = None, further: Further | None = None
) -> LintResult:
    """Return what the rules say about it, and what was found beside, but for the baseline's."""
    result = judge(
        walked.timeline, settings=walked.config.rules, paths=walked.paths, further=further
    )
    return leave_out_known(
        result,
        walked.config,
        timeline=walked.timeline,
        paths=walked.paths,
        choice=choice or BaselineChoice(),
    )


def has_unloadable(result: LintResult) -> bool:
    """Return whether a revision cannot be loaded: Alembic would stop at it, and it is unseen."""
    return any(entry.is_unloadable for entry in result.unjudged)


def list_faults(walked: Walk, result: LintResult) -> tuple[str, ...]:
    """Return the notices that `alembic upgrade head` stops for, where the history is changed.

    What was so before is not told of whoever changes something else.
    """
    if not walked.change.is_of_history:
        return ()
    return tuple(one for one in result.notices if SEVERAL_HEADS in one or NO_SUCH_REVISION in one)


def find_missing(faults: Iterable[str]) -> tuple[str, ...]:
    """Return those of the notices by which a revision refers to one that is not there."""
    return tuple(one for one in faults if NO_SUCH_REVISION in one)


def has_findings(result: LintResult, *, is_strict: bool) -> bool:
    """Return whether it holds an error, or `is_strict`, a warning or what was not judged."""
    if result.count(Severity.ERROR) > 0:
        return True
    is_partial = any(entry.hides_statements for entry in result.unjudged)
    return is_strict and (is_partial or result.count(Severity.WARNING) > 0)
