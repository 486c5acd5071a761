"""`safemigrate init`."""

from dataclasses import dataclass
from pathlib import Path

import click
from click.core import ParameterSource

from safemigrate.cli.adoption import find_place, plan_steps
from safemigrate.cli.adoption_report import describe_project, describe_steps
from safemigrate.cli.files import write_changes
from safemigrate.cli.judging import Walk, judge_walk, load_project_config, walk_inputs
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import config_option, make_url_option, pg_version_option
from safemigrate.config import Config
from safemigrate.errors import ExitCode, SafemigrateError
from safemigrate.lint import judge
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION, LintResult, ServerVersion
from safemigrate.server.connections import connect, parse_url
from safemigrate.source import find_config_here, open_project

__all__ = ["command"]

# libpq's number of version 16.4 is 160004.
_VERSION_UNIT = 10_000


@click.command(
    "init",
    cls=Manual,
    exits={
        ExitCode.DONE: "it is set up, whatever was found",
        ExitCode.USAGE: "there is no Alembic project here, or a file cannot be read or written",
    },
    examples=[
        ("Show what would be written", "safemigrate init --dry-run"),
        ("Set the project up", "safemigrate init"),
        ("Set up the project of another directory", "safemigrate init -c backend/alembic.ini"),
    ],
)
@config_option
@make_url_option(
    "The database to ask for its version, as postgresql://USER@HOST/NAME; default: none is asked."
)
@pg_version_option
@click.option("--dry-run", is_flag=True, help="Show what would be written, and write nothing.")
@click.option(
    "--no-baseline",
    is_flag=True,
    help="Write no baseline: lint goes on to report what there is today.",
)
@click.pass_context
def command(
    ctx: click.Context,
    *,
    config: Path,
    url: str | None,
    pg_version: int | None,
    dry_run: bool,
    no_baseline: bool,
) -> None:
    """Set up an Alembic project: configuration, hook, workflow, baseline.

    Judges the whole history, says what it found, and writes the configuration to pyproject.toml, or
    safemigrate.toml where there is none; an entry in .pre-commit-config.yaml; a workflow where the
    project is on GitHub; and the findings there are to a baseline, so that lint tells of new ones.

    Nothing else is touched, no file is overwritten, and what cannot be put into a file safely is
    printed. Where everything is there already, nothing is written. The database of --url is asked
    for its version alone, and only where --url or the variable is given.
    """
    if ctx.get_parameter_source("config") is ParameterSource.DEFAULT:
        config = find_config_here(config)
    known = load_project_config(config)
    server = _choose_server(known, pg_version, url)
    place = find_place(open_project(config, is_lenient=True), known)
    walked = walk_inputs(
        (), config_path=config, schema=None, changes=None, pg_version=server.judged.major
    )
    result = judge(walked.timeline, settings=known.rules)
    steps = plan_steps(
        place,
        known,
        result,
        version=server.configured,
        has_baseline=not no_baseline,
        variables=walked.timeline.required_variables,
    )
    if not dry_run:
        write_changes([step.change for step in steps if step.change is not None])
    shown = _leave_out(walked, known, result)
    click.echo(describe_project(config, walked.timeline, shown, server.about))
    click.echo(describe_steps(steps, place, is_dry=dry_run))


@dataclass(frozen=True, slots=True)
class _Server:
    """The version to judge for, the one to put into the configuration, and what is known of it."""

    judged: ServerVersion
    configured: ServerVersion | None
    about: str


def _choose_server(known: Config, asked: int | None, url: str | None) -> _Server:
    """Return the version that lint will judge for from now on."""
    if known.path is not None:
        version = known.pg_version or OLDEST_VERSION
        where = f'as "{known.path}" says' if known.pg_version else "as none is configured"
        if asked is not None and asked != version.major:
            where += f'; --pg-version {asked} would be "{known.prefix}pg-version" there'
        if url is not None:
            where += (
                "; the database of --url was not asked, for there is a configuration: its version "
                f'would be "{known.prefix}pg-version" there'
            )
        return _Server(version, None, f"judged for PostgreSQL {version}, {where}")
    if asked is not None:
        return _Server(ServerVersion(asked), ServerVersion(asked), f"PostgreSQL {asked}")
    fallback = f"judged for PostgreSQL {OLDEST_VERSION}, whose claims hold for later ones too"
    if url is None:
        return _Server(OLDEST_VERSION, None, f"not known; {fallback}")
    try:
        with connect(parse_url(url)) as connection:
            major = connection.info.server_version // _VERSION_UNIT
    except SafemigrateError as error:
        return _Server(OLDEST_VERSION, None, f"not known: {error.message}; {fallback}")
    if major < OLDEST_VERSION.major:
        return _Server(
            OLDEST_VERSION, None, f"PostgreSQL {major}, which is too old to be known; {fallback}"
        )
    version = min(ServerVersion(major), NEWEST_VERSION)
    later = "" if version.major == major else f"; judged for {version}, the newest known"
    return _Server(version, version, f"PostgreSQL {major}{later}")


def _leave_out(walked: Walk, known: Config, result: LintResult) -> LintResult:
    """Return the result without what is in a baseline that was there before."""
    if known.baseline is None or not Path(known.baseline).exists():
        return result
    return judge_walk(walked)
