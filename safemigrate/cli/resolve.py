"""`safemigrate resolve`."""

from pathlib import Path

import click

from safemigrate.cli.completing import complete_revisions
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import Number, config_option, url_option
from safemigrate.cli.targets import Tenant, settle, tenant_options
from safemigrate.errors import ExitCode, UsageError
from safemigrate.execute.resolving import Verdict, resolve_revision
from safemigrate.journal import Decision
from safemigrate.report.standing import format_resolution
from safemigrate.source import open_project

__all__ = ["command"]


@click.command(
    "resolve",
    cls=Manual,
    exits={
        ExitCode.DONE: "the decision is kept",
        ExitCode.USAGE: "there is nothing in doubt there, or the command line, the configuration "
        "or the connection is wrong",
    },
    examples=[
        ("See what is in doubt", "safemigrate status"),
        (
            "Statement 2 has done its work",
            'safemigrate resolve 3f1a --statement 2 --done --reason "all rows are filled"',
        ),
        (
            "Let the whole revision begin anew",
            'safemigrate resolve 3f1a --forget --reason "restored from a backup"',
        ),
    ],
)
@click.argument("revision", shell_complete=complete_revisions)
@config_option
@url_option
@tenant_options
@click.option(
    "--statement",
    type=Number(min=1),
    metavar="N",
    help="The statement in doubt, by the number that safemigrate status shows; needed with "
    "--done and --not-done.",
)
@click.option(
    "--done", "decision", flag_value="done", help="The statement is done; the next run skips it."
)
@click.option(
    "--not-done",
    "decision",
    flag_value="not-done",
    help="The statement is not done; the next run sends it again.",
)
@click.option(
    "--forget",
    "decision",
    flag_value="forget",
    help="Nothing of the revision counts as done; the next run begins it anew.",
)
@click.option(
    "--reason", required=True, metavar="TEXT", help="How you know; it is kept in the database."
)
def command(
    *,
    revision: str,
    config: Path,
    url: str | None,
    in_schema: str,
    x: tuple[str, ...],
    statement: int | None,
    decision: str | None,
    reason: str,
) -> None:
    """Say what a run that was cut off has done, where the catalog cannot.

    "safemigrate status" shows what of the REVISION is done, and what is in doubt. Nothing is
    changed but what the next run takes for done; who decided, when and why is kept in the table
    safemigrate.resolution of the database.

    Give --done or --not-done with --statement, or --forget.
    """
    reason = " ".join(reason.split())
    if not reason:
        raise UsageError("the reason is empty", "say how you know; it is kept in the database")
    verdict = Verdict(revision, statement, _read_decision(decision, statement), reason)
    project = open_project(config, url=url)
    with settle(project, Tenant(in_schema, x)):
        resolution = resolve_revision(project, verdict)
    click.echo(format_resolution(resolution), nl=False)


def _read_decision(given: str | None, statement: int | None) -> Decision:
    if given is None:
        raise UsageError(
            "nothing is decided", "give --done or --not-done with --statement, or --forget"
        )
    decision = Decision(given)
    if decision is Decision.FORGET and statement is not None:
        raise UsageError(
            "--forget is about the whole revision, and --statement about one of its statements",
            "give --done or --not-done with --statement",
        )
    if decision is not Decision.FORGET and statement is None:
        raise UsageError(
            f"--{decision.value} is about one statement, and none is given",
            "give --statement N, by the number that `safemigrate status` shows",
        )
    return decision
