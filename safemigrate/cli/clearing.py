"""Whether pending revisions may run on a database, and what they will do there."""

import sys
from collections.abc import Iterable

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.examining import examine
from safemigrate.cli.gating import GateOptions
from safemigrate.config import Config
from safemigrate.execute import Clearance, Inquiry
from safemigrate.gate import Decision, Objection, PendingJudgement, explain_refusal
from safemigrate.report import (
    Tone,
    format_assumptions,
    format_unjudged,
    list_findings,
)
from safemigrate.source import Project

__all__ = ["GateOptions", "clear", "show_judgement"]


def clear(project: Project, config: Config, options: GateOptions, inquiry: Inquiry) -> Clearance:
    """Return what the run may go by, having shown what was found; GateRefusedError when not."""
    found = examine(project, config, options, inquiry)
    show_judgement(found.judged)
    _show_decision(found.decision)
    if not found.decision.is_allowed:
        raise explain_refusal(found.decision)
    return Clearance(
        override=found.decision.override, passages=found.passages, digests=found.digests
    )


def show_judgement(judged: PendingJudgement) -> None:
    """Write what was found in the pending revisions to standard error."""
    paint = choose_paint(sys.stderr)
    for block in list_findings(judged.result.findings, judged.timeline, paint):
        click.echo(f"{block}\n", err=True)
    result = judged.result
    assumed = format_assumptions(result.assumptions, paint)
    for line in (*assumed, *format_unjudged(result.unjudged, paint)):
        click.echo(line, err=True)


def _show_decision(decision: Decision) -> None:
    """Write what was overridden, and what is good to know."""
    warning = choose_paint(sys.stderr)("warning", Tone.WARNING)
    reasons = dict.fromkeys(reason for _, reason in decision.overridden)
    for reason in reasons:
        texts = _texts(one for one, why in decision.overridden if why == reason)
        click.echo(f"{warning}: {texts} overridden: {reason}", err=True)
    for notice in decision.notices:
        click.echo(f"{warning}: {notice}", err=True)


def _texts(objections: Iterable[Objection]) -> str:
    return "; ".join(one.text for one in objections)
