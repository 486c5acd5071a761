"""What `upgrade` and `downgrade` do."""

import os
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import click

from safemigrate.cli.clearing import clear
from safemigrate.cli.colour import choose_paint
from safemigrate.cli.hooking import RunHooks
from safemigrate.cli.judging import load_project_config
from safemigrate.cli.output import explain_unexpected, show_error
from safemigrate.cli.planning import PlanRequest, write_plan
from safemigrate.cli.run_options import RunOptions, choose_settings
from safemigrate.cli.streaming import EventStream, open_events
from safemigrate.cli.targets import settle
from safemigrate.config import Config
from safemigrate.errors import ExitCode, SafemigrateError
from safemigrate.execute import (
    Clearance,
    Inquiry,
    Progress,
    RevisionFinished,
    RunEvent,
    RunReport,
    RunWarned,
    find_origin_of_run,
    run_downgrade,
    run_upgrade,
    serialise,
)
from safemigrate.execute.hooks import add_listeners
from safemigrate.execute.steps import describe_lead
from safemigrate.model import Direction
from safemigrate.report.event_documents import Line
from safemigrate.report.events import failed_line, finished_line
from safemigrate.report.progress import show_progress
from safemigrate.report.runs import format_run
from safemigrate.source import open_project

__all__ = ["migrate"]


def migrate(direction: Direction, target: str, options: RunOptions) -> ExitCode:
    """Run the revisions, or write what would run; return the exit code.

    In JSON the report tells of an error too, which is raised all the same.
    """
    if options.is_dry_run:
        return write_plan(_request_plan(direction, target, options))
    events = open_events() if options.format == "json" else None
    run = _Run(direction, target, options, events)
    try:
        report = run.go()
    except Exception as error:
        if events is not None:
            told = error if isinstance(error, SafemigrateError) else explain_unexpected(error)
            events.write(run.failed_line(told))
            if (lost := events.find_fault()) is not None:
                show_error(lost.message, lost.hint)
        raise
    if events is None:
        click.echo(format_run(report, choose_paint(sys.stdout)), nl=False)
    else:
        events.write(finished_line(report, datetime.now(UTC)))
        if (lost := events.find_fault()) is not None:
            raise lost
    return ExitCode.DONE


def _request_plan(direction: Direction, target: str, options: RunOptions) -> PlanRequest:
    return PlanRequest(
        direction,
        target,
        options.config,
        url=options.url,
        tenant=options.tenant,
        gate=options.gate,
        format=options.format,
    )


@dataclass(slots=True)
class _Run:
    """One run; `applied` is what is done, noted as soon as it is."""

    direction: Direction
    target: str
    options: RunOptions
    events: EventStream | None
    applied: list[RevisionFinished] = field(default_factory=list)

    def go(self) -> RunReport:
        """Return the report. Raises what `run_upgrade` does."""
        options = self.options
        config = load_project_config(options.config)
        with (
            show_progress(sys.stderr, choose_paint(sys.stderr), is_quiet=options.is_quiet) as show,
            add_listeners(self._fan_out(show)) as tell,
        ):
            return self._go_telling(config, serialise(tell))

    def failed_line(self, error: SafemigrateError) -> Line:
        """Return the last line of the stream for a run that ended so."""
        return failed_line(self.direction, self.applied, error, datetime.now(UTC))

    def _go_telling(self, config: Config, tell: Progress) -> RunReport:
        options = self.options
        project = open_project(options.config, url=options.url, imports=config.imports)
        hooks = RunHooks(config.run, project, self.direction, tell)
        run = run_upgrade if self.direction is Direction.UPGRADE else run_downgrade

        def check(inquiry: Inquiry) -> Clearance:
            clearance = clear(project, config, options.gate, inquiry)
            hooks.run_before(inquiry)
            return clearance

        settings = choose_settings(config, options)
        # before the lock, for which others wait: git may take its time
        origin = find_origin_of_run(os.environ, Path(project.script.dir))
        with settle(project, options.tenant):
            try:
                report = run(
                    project, self.target, settings, progress=tell, check=check, origin=origin
                )
                if not report.applied and (
                    lead := describe_lead(project, self.direction, self.target, report.heads)
                ):
                    tell(RunWarned(lead))
            except SafemigrateError as error:
                hooks.run_after(self.failed_line(error), error)
                raise
        hooks.run_after(finished_line(report, datetime.now(UTC)), None, report.heads)
        return report

    def _fan_out(self, show: Progress) -> Progress:
        def tell(event: RunEvent) -> None:
            if isinstance(event, RevisionFinished):
                self.applied.append(event)
            if self.events is not None:
                self.events.tell(event)
            show(event)

        return tell
