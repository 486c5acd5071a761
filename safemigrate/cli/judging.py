"""What the commands that judge have in common."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from sys import stderr
from typing import TypeVar

import click

from safemigrate.catalog import catalog_of_sql
from safemigrate.cli.colour import choose_paint
from safemigrate.cli.inputs import read_subject
from safemigrate.config import Config, RuleSettings, check_rule_names, load_config
from safemigrate.errors import GateRefusedError, SourceError, UsageError
from safemigrate.facts import walk
from safemigrate.gate import decide
from safemigrate.lint import judge, rules
from safemigrate.model import (
    OLDEST_VERSION,
    Catalog,
    Direction,
    LintResult,
    ServerVersion,
    Timeline,
    Unjudged,
)
from safemigrate.report import format_unjudged, list_findings
from safemigrate.report.wording import count
from safemigrate.source import Project, record

__all__ = [
    "Walk",
    "changed_since_option",
    "judge_walk",
    "list_unjudged",
    "load_project_config",
    "paths_argument",
    "pending_check",
    "read_schema",
    "schema_option",
    "walk_inputs",
]

Function = TypeVar("Function", bound=Callable[..., object])

# What pg_dump writes for psql, which is not SQL:
# https://www.postgresql.org/docs/current/app-psql.html (\restrict, \unrestrict, \connect).
_PSQL_LINE = re.compile(r"^\\(?:restrict|unrestrict|connect)\b.*$", re.MULTILINE)


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


def read_schema(path: Path) -> Catalog:
    """Return what the SQL in the file builds."""
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise SourceError(
            f'"{path}" is not UTF-8 (byte {error.start + 1})', "save it as UTF-8"
        ) from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(
            f'"{path}" cannot be read: {reason}',
            "--schema takes a file of SQL, such as pg_dump --schema-only writes",
        ) from error
    catalog = catalog_of_sql(_PSQL_LINE.sub("", text), str(path))
    # What it sets is for its own run, not for the migrations after it.
    return replace(catalog, settings={})


def _choose_version(config: Config, pg_version: int | None) -> ServerVersion:
    """Return the version that was asked for, or is configured, or else the oldest."""
    if pg_version is not None:
        return ServerVersion(pg_version)
    return config.pg_version or OLDEST_VERSION


def judge_walk(walked: Walk) -> LintResult:
    """Return what the rules say about it."""
    return judge(walked.timeline, settings=walked.config.rules, paths=walked.paths)


def list_unjudged(walked: Walk) -> tuple[Unjudged, ...]:
    """Return what could not be recorded or understood, without asking any rule."""
    nothing = RuleSettings(disabled=frozenset(rules()))
    return judge(walked.timeline, settings=nothing, paths=walked.paths).unjudged


def pending_check(
    project: Project, *, pg_version: int | None = None
) -> Callable[[tuple[str, ...], Direction], None]:
    """Return the check that pending revisions go through before they run.

    Called with the ids of the revisions and the direction, it records and judges the project,
    writes what speaks against running them to standard error, and raises GateRefusedError when
    the gate refuses. Warnings and what could not be judged are written, and let through.
    """

    def check(pending: tuple[str, ...], direction: Direction) -> None:
        if not pending:
            return
        config = load_project_config(project.config_path)
        version = _choose_version(config, pg_version)
        history = record(project, version=version)
        paths = frozenset(
            migration.path for migration in history.migrations if migration.revision in pending
        )
        timeline = walk(history, before=Catalog(), version=version)
        result = judge_walk(Walk(config, timeline, paths))
        result = replace(
            result,
            findings=tuple(
                finding for finding in result.findings if finding.direction is direction
            ),
        )
        paint = choose_paint(stderr)
        for block in list_findings(result.findings, timeline, paint):
            click.echo(f"{block}\n", err=True)
        for line in format_unjudged(result.unjudged, paint):
            click.echo(line, err=True)
        decision = decide(result, frozenset(pending), direction)
        if decision.is_allowed:
            return
        first = decision.refusals[0]
        number = len({finding.revision for finding in decision.refusals})
        raise GateRefusedError(
            f"{count(len(decision.refusals), 'error finding')} in "
            f"{count(number, 'pending revision')}, nothing was changed",
            "rewrite the revision as the finding says, or allow it with a reason, on the line of "
            f"the statement or the line above: # safemigrate: ignore[{first.rule}] the reason",
        )

    return check
