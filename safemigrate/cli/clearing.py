"""Whether pending revisions may run on a database, and what they will do there."""

import sys
from dataclasses import dataclass, replace

import click

from safemigrate.catalog import read_server
from safemigrate.cli.baselines import BaselineChoice, leave_out_known
from safemigrate.cli.colour import choose_paint
from safemigrate.cli.schema import read_before
from safemigrate.config import Config
from safemigrate.execute import Clearance, Inquiry
from safemigrate.gate import (
    Decision,
    PendingJudgement,
    decide,
    explain_refusal,
    judge_pending,
)
from safemigrate.model import NEWEST_VERSION, ServerVersion
from safemigrate.plan import walk_pending
from safemigrate.report import (
    Tone,
    format_assumptions,
    format_unjudged,
    list_findings,
)
from safemigrate.report.wording import count
from safemigrate.source import Project, record

__all__ = ["GateOptions", "clear"]


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What the command line says about the gate.

    `pg_version`: the major to judge for, None for the server's. `override`: the reason to run in
    spite of what speaks against it, "" for none.
    """

    pg_version: int | None = None
    override: str = ""


def clear(project: Project, config: Config, options: GateOptions, inquiry: Inquiry) -> Clearance:
    """Return what the run may go by, having shown what was found; GateRefusedError when not."""
    # what a later server does is not known; it is judged as the newest one that is
    server = min(inquiry.server_version, NEWEST_VERSION)
    version = ServerVersion(options.pg_version or server.major)
    history = record(project, version=version)
    pending = frozenset(inquiry.pending)
    judged = judge_pending(
        history,
        pending,
        inquiry.direction,
        settings=config.rules,
        version=version,
        before=read_before(None, config.default_schema).catalog,
    )
    judged = _leave_out_known(judged, config)
    _show_judgement(judged)
    decision = decide(judged.result, pending, inquiry.direction, override=options.override)
    _show_decision(decision)
    catalog = inquiry.reading(read_server).catalog("the database")
    passages = walk_pending(
        history, inquiry.pending, inquiry.direction, before=catalog, version=server
    )
    return Clearance(override=decision.override, passages=passages)


def _leave_out_known(judged: PendingJudgement, config: Config) -> PendingJudgement:
    """Return the judgement without what the configured baseline has."""
    paths = frozenset(finding.path for finding in judged.result.findings)
    result = leave_out_known(
        judged.result, config, timeline=judged.timeline, paths=paths, choice=BaselineChoice()
    )
    return replace(judged, result=result)


def _show_judgement(judged: PendingJudgement) -> None:
    """Write what was found in the pending revisions to standard error."""
    paint = choose_paint(sys.stderr)
    for block in list_findings(judged.result.findings, judged.timeline, paint):
        click.echo(f"{block}\n", err=True)
    result = judged.result
    assumed = format_assumptions(result.assumptions, paint)
    for line in (*assumed, *format_unjudged(result.unjudged, paint)):
        click.echo(line, err=True)


def _show_decision(decision: Decision) -> None:
    """Write what the findings come to, or raise GateRefusedError."""
    if not decision.is_allowed:
        raise explain_refusal(decision)
    if not decision.objections:
        return
    number = count(len(decision.objections), "error finding")
    if decision.override:
        text = f"{number} overridden: {decision.override}"
    else:
        text = f"{number} in what is taken back; a downgrade runs all the same"
    click.echo(f"{choose_paint(sys.stderr)('warning', Tone.WARNING)}: {text}", err=True)
