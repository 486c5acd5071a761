"""`safemigrate status`."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from msgspec.structs import asdict

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.examining import find_changes, find_fork, name_renderer
from safemigrate.cli.judging import load_project_config
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import config_option, format_option, url_option
from safemigrate.cli.targets import Tenant, settle, tenant_options
from safemigrate.errors import ExitCode, ServerError
from safemigrate.execute import Inquiry, RunSettings, Standing, open_site, read_standing
from safemigrate.model import NEWEST_VERSION, Direction
from safemigrate.plan import Change
from safemigrate.report.documents import encode_document
from safemigrate.report.drift import drift_document, format_drift
from safemigrate.report.edits import format_edits, list_edits
from safemigrate.report.standing import format_status
from safemigrate.report.standing_documents import status_document
from safemigrate.server import open_server
from safemigrate.source import Project, open_project, record
from safemigrate.verify import Drift, find_drift

__all__ = ["command"]

_LOCK_TIMEOUT = RunSettings().lock_timeout


@dataclass(frozen=True, slots=True)
class _Status:
    """What was found; `drift` is None where nobody asked for it.

    `fork`: why upgrade refuses to run what is pending, "" where it is no fork.
    """

    standing: Standing
    fork: str
    changes: Mapping[str, Change]
    drift: Drift | None


@click.command(
    "status",
    cls=Manual,
    exits={
        ExitCode.DONE: "it is shown, whatever it is; with --drift: there is none",
        ExitCode.FINDINGS: "with --drift: the schema is not what the revisions give",
        ExitCode.USAGE: "the command line, the configuration, env.py or the connection is wrong",
        ExitCode.GAVE_UP: "a lock was not to be had in time, or it was stopped before it was done",
    },
    examples=[
        ("Show where the database stands", "safemigrate status"),
        ("Find what was changed beside the revisions", "safemigrate status --drift"),
    ],
)
@config_option
@url_option
@tenant_options
@click.option(
    "--drift",
    is_flag=True,
    help="Compare the schema with what the applied revisions give on a throwaway server; exits "
    "with 1 when they differ.",
)
@click.option(
    "--server",
    default="embedded",
    show_default=True,
    metavar="embedded|container[:IMAGE]|URL",
    help="The throwaway server of --drift, of the database's major version; a URL's role must be "
    "allowed to create databases.",
)
@format_option("text", "json")
@click.pass_context
def command(
    context: click.Context,
    *,
    config: Path,
    url: str | None,
    in_schema: str,
    x: tuple[str, ...],
    drift: bool,
    server: str,
    format_: str,
) -> None:
    """Show where the database stands.

    The revision it is at and those that are pending, a run in progress, what the last run did,
    revisions that were edited after they were applied, and what was left half done: INVALID
    indexes and NOT VALID constraints.

    Writes nothing to the database. Exits with 0 whatever it finds, but for --drift: then 0 means
    that there is none, and 1 that there is.
    """
    imports = load_project_config(config).imports
    project = open_project(config, url=url, imports=imports)
    with settle(project, Tenant(in_schema, x)):
        standing = read_standing(project)
        fork = _find_fork(project, standing)
        changes = {} if standing.last is None else _find_changes(project, standing)
        found = _find_drift(project, server, in_schema) if drift else None
    _write(_Status(standing, fork, changes, found), is_json=format_ == "json")
    context.exit(ExitCode.FINDINGS if found is not None and found.differences else ExitCode.DONE)


def _find_fork(project: Project, standing: Standing) -> str:
    """Return how the history forks where nothing says which way to go, else ""."""
    if not standing.pending:
        return ""
    objections, _ = find_fork(project, tuple(one.revision for one in standing.current))
    return "".join(one.text for one in objections)


def _find_changes(project: Project, standing: Standing) -> Mapping[str, Change]:
    """Return how the applied revisions differ from what they were then, by their ids."""
    with open_site(project, lock_timeout=_LOCK_TIMEOUT) as site:
        version = min(site.server_version, NEWEST_VERSION)
        pending = tuple(one.revision for one in standing.pending)
        current = tuple(one.revision for one in standing.current)
        inquiry = Inquiry(Direction.UPGRADE, pending, current, site)
        history = record(project, version=version)
        return find_changes(history, inquiry, name_renderer(version))


def _find_drift(project: Project, kind: str, schema: str) -> Drift:
    """Return how the database differs from its history, replayed on a server of this kind."""
    with open_site(project, lock_timeout=_LOCK_TIMEOUT) as site:
        try:
            with open_server(kind, version=site.server_version) as server:
                return find_drift(project, site, server, schema=schema)
        except ServerError as err:
            hint = (
                f"the database is PostgreSQL {site.server_version}, and only the same major "
                f"version writes definitions alike; {err.hint}"
            )
            raise ServerError(err.message, hint) from err


def _write(status: _Status, *, is_json: bool) -> None:
    standing, drift = status.standing, status.drift
    edits = list_edits(status.changes)
    if is_json:
        document = asdict(status_document(standing))
        document |= {
            "edited": edits.edited,
            "changed_elsewhere": edits.elsewhere,
            "is_history_hidden": standing.is_history_hidden,
        }
        if drift is not None:
            document["drift"] = drift_document(drift)
        click.echo(encode_document(document), nl=False)
        return
    paint = choose_paint(sys.stdout)
    click.echo(format_status(standing, paint, fork=status.fork), nl=False)
    for line in format_edits(edits, standing, paint):
        click.echo(line)
    if drift is not None:
        click.echo(f"\n{format_drift(drift, paint)}", nl=False)
