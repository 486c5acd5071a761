"""The plan of a run: drawn up without the deploy lock, and without writing anything."""

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from safemigrate.catalog.figures import read_figures, read_replicas
from safemigrate.cli.clearing import show_judgement
from safemigrate.cli.colour import choose_paint
from safemigrate.cli.examining import examine, read_from
from safemigrate.cli.gating import GateOptions
from safemigrate.cli.judging import load_project_config
from safemigrate.cli.measuring import find_holders, look_at_earlier, measure_reading
from safemigrate.cli.targets import Tenant, settle
from safemigrate.config import Config
from safemigrate.errors import ExitCode, UnreachableError
from safemigrate.execute import (
    Inquiry,
    RunSettings,
    Site,
    describe_lead,
    explain_unreadable,
    find_steps,
    open_site,
)
from safemigrate.execute.control import ControlLostError
from safemigrate.gate import Decision
from safemigrate.model import Direction
from safemigrate.plan import Figures, list_relations, list_worked_on, make_plan
from safemigrate.report.documents import encode_document
from safemigrate.report.plan_documents import plan_document
from safemigrate.report.plans import PlanReport, format_plan
from safemigrate.source import Project, open_project

__all__ = ["PlanRequest", "write_plan"]

_LOCK_TIMEOUT = RunSettings().lock_timeout


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plan is wanted of.

    `target`: as Alembic takes it. `url`: wins over the project's. `format`: `text` or `json`.
    """

    direction: Direction
    target: str
    config: Path
    url: str | None = None
    tenant: Tenant = field(default_factory=Tenant)
    gate: GateOptions = field(default_factory=GateOptions)
    format: str = "text"


def write_plan(request: PlanRequest) -> ExitCode:
    """Write the plan to standard output; return whether it would run, as an exit code.

    Takes no deploy lock and writes nothing to the database. Raises what a run raises before it
    begins.
    """
    config = load_project_config(request.config)
    project = open_project(request.config, url=request.url, imports=config.imports)
    with settle(project, request.tenant):
        try:
            with open_site(project, lock_timeout=_LOCK_TIMEOUT, url=request.url) as site:
                report = _draw(project, config, request, site)
        except ControlLostError as err:
            raise UnreachableError("the connection to the database was lost", "try again") from err
        except DBAPIError as err:
            raise explain_unreadable(err) from err
    if request.format == "json":
        click.echo(encode_document(plan_document(report)), nl=False)
    else:
        click.echo(format_plan(report, choose_paint(sys.stdout)), nl=False)
    would_run = report.decision.is_allowed and not any(one.obstacle for one in report.revisions)
    return ExitCode.DONE if would_run else ExitCode.FINDINGS


def _draw(project: Project, config: Config, request: PlanRequest, site: Site) -> PlanReport:
    """Return the plan for the database as it is now."""
    heads = site.read_heads()
    steps = find_steps(project, request.direction, request.target, heads)
    pending = tuple(step.revision.revision for step in steps)
    blank = PlanReport(
        database=site.database,
        server_version=site.server_version,
        direction=request.direction,
        heads=heads,
        revisions=(),
        decision=Decision(),
    )
    if not pending:
        lead = describe_lead(project, request.direction, request.target, heads)
        return replace(blank, decision=Decision(notices=(lead,))) if lead else blank
    inquiry = Inquiry(request.direction, pending, heads, site)
    found = examine(project, config, request.gate, inquiry)
    show_judgement(found.judged)
    passages = [found.passages[one] for one in pending if one in found.passages]
    relations = list_relations(passages)
    figures = read_from(inquiry, lambda ask: read_figures(ask, relations))
    earlier = look_at_earlier(project, inquiry, found.passages)
    revisions = make_plan(
        passages,
        Figures(figures, measure_reading(inquiry, figures, list_worked_on(passages))),
        holders=find_holders(inquiry, relations),
        done=earlier.done,
        obstacles=earlier.obstacles,
    )
    return PlanReport(
        database=blank.database,
        server_version=blank.server_version,
        direction=blank.direction,
        heads=heads,
        revisions=revisions,
        decision=found.decision,
        replicas=read_from(inquiry, read_replicas),
    )
