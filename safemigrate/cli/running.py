"""What `upgrade` and `downgrade` have in common."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import click

from safemigrate.cli.clearing import GateOptions, clear
from safemigrate.cli.colour import choose_paint
from safemigrate.cli.judging import load_project_config
from safemigrate.config import Config
from safemigrate.errors import SafemigrateError, UsageError
from safemigrate.execute import (
    RevisionFinished,
    RunEvent,
    RunReport,
    RunSettings,
    run_downgrade,
    run_upgrade,
)
from safemigrate.journal import count_milliseconds
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION, Direction
from safemigrate.report import (
    encode_document,
)
from safemigrate.report.progress import show_progress
from safemigrate.report.runs import failed_run_document, format_run, run_document
from safemigrate.source import open_project

__all__ = ["RunOptions", "migrate", "run_options"]

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was written on the command line; None where nothing was."""

    config: Path
    url: str | None
    pg_version: int | None
    lock_timeout_ms: int | None
    lock_attempts: int | None
    deadline: float | None
    format: str
    quiet: bool
    override: str | None = None


def run_options(function: Function) -> Function:
    """Add `--lock-timeout-ms`, `--lock-attempts`, `--deadline` and `--pg-version`.

    The parameters are None where nothing was written.
    """
    standard = RunSettings()
    timeout_ms = count_milliseconds(standard.lock_timeout)
    seconds = round(standard.deadline.total_seconds())
    for option in (
        click.option(
            "--pg-version",
            type=click.IntRange(OLDEST_VERSION.major, NEWEST_VERSION.major),
            help="The major version to judge the revisions for; default: the server's own.",
        ),
        click.option(
            "--deadline",
            type=click.FloatRange(min=0),
            metavar="SECONDS",
            help="How long to go on waiting, for locks and for another runner; "
            f"default: the configuration's, or {seconds}. Nothing that runs is cut off.",
        ),
        click.option(
            "--lock-attempts",
            type=click.IntRange(min=1),
            metavar="N",
            help="How often a revision is tried; default: the configuration's, or as often as the "
            "deadline allows.",
        ),
        click.option(
            "--lock-timeout-ms",
            type=click.IntRange(min=1),
            metavar="MS",
            help="How long one attempt may wait for a lock, and the application behind it; "
            f"default: the configuration's, or {timeout_ms}.",
        ),
    ):
        function = option(function)
    return function


def migrate(direction: Direction, target: str, options: RunOptions) -> None:
    """Run the revisions, and write the report, which in JSON tells of a failure too."""
    applied: list[RevisionFinished] = []
    try:
        report = _run(direction, target, options, applied)
    except SafemigrateError as error:
        if options.format == "json":
            click.echo(encode_document(failed_run_document(applied, error)), nl=False)
        raise
    if options.format == "json":
        click.echo(encode_document(run_document(report)), nl=False)
    else:
        click.echo(format_run(report, choose_paint(sys.stdout)), nl=False)


def _run(
    direction: Direction, target: str, options: RunOptions, applied: list[RevisionFinished]
) -> RunReport:
    """Return the report, noting in `applied` what is done as soon as it is."""
    override = _read_override(options.override)
    config = load_project_config(options.config)
    project = open_project(options.config, url=options.url, imports=config.imports)
    run = run_upgrade if direction is Direction.UPGRADE else run_downgrade
    with show_progress(sys.stderr, choose_paint(sys.stderr), is_quiet=options.quiet) as show:

        def progress(event: RunEvent) -> None:
            if isinstance(event, RevisionFinished):
                applied.append(event)
            show(event)

        check = partial(clear, project, config, GateOptions(options.pg_version, override))
        settings = _choose_settings(config, options)
        return run(project, target, settings, progress=progress, check=check)


def _read_override(given: str | None) -> str:
    """Return the reason on one line, "" when none was given."""
    if given is None:
        return ""
    reason = " ".join(given.split())
    if not reason:
        raise UsageError(
            "the reason of --override is empty",
            "say why the findings do not matter this time; it is kept in the history",
        )
    return reason


def _choose_settings(config: Config, options: RunOptions) -> RunSettings:
    """Return what the command line says, else the configuration, else the default."""
    standard = RunSettings()
    lock_timeout, deadline = config.lock_timeout, config.deadline
    if options.lock_timeout_ms is not None:
        lock_timeout = timedelta(milliseconds=options.lock_timeout_ms)
    if options.deadline is not None:
        deadline = timedelta(seconds=options.deadline)
    return RunSettings(
        lock_timeout=standard.lock_timeout if lock_timeout is None else lock_timeout,
        lock_attempts=options.lock_attempts or config.lock_attempts,
        deadline=standard.deadline if deadline is None else deadline,
    )
