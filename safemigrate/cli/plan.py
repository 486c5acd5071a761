"""`safemigrate plan`."""

from pathlib import Path

import click

from safemigrate.cli.completing import complete_revisions
from safemigrate.cli.gating import GateOptions, gate_options, read_overrides
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import Number, config_option, format_option, url_option
from safemigrate.cli.planning import PlanRequest, write_plan
from safemigrate.cli.targets import Tenant, tenant_options
from safemigrate.errors import ExitCode
from safemigrate.model import NEWEST_VERSION, OLDEST_VERSION, Direction

__all__ = ["command"]


@click.command(
    "plan",
    cls=Manual,
    exits={
        ExitCode.DONE: "upgrade would go ahead",
        ExitCode.FINDINGS: "upgrade would refuse, or stop at a revision that is half done",
        ExitCode.USAGE: "the command line, the configuration, env.py or the connection is wrong",
        ExitCode.GAVE_UP: "a lock was not to be had in time, or it was stopped before it was done",
    },
    examples=[
        ("Plan everything that is pending", "safemigrate plan"),
        ("Plan the next revision, for a program", "safemigrate plan +1 --format json"),
        ("Plan as upgrade would go on with a reason", 'safemigrate plan --override "quiet hour"'),
    ],
)
@click.argument("revision", required=False, metavar="[REV]", shell_complete=complete_revisions)
@config_option
@url_option
@tenant_options
@click.option(
    "--pg-version",
    type=Number(OLDEST_VERSION.major, NEWEST_VERSION.major),
    metavar="MAJOR",
    help="The major version of PostgreSQL to judge the revisions for; default: the server's own.",
)
@gate_options
@format_option("text", "json")
@click.pass_context
def command(
    context: click.Context,
    *,
    revision: str | None,
    config: Path,
    url: str | None,
    in_schema: str,
    x: tuple[str, ...],
    pg_version: int | None,
    override: str | None,
    allow: tuple[str, ...],
    disk_free_bytes: int | None,
    format_: str,
) -> None:
    """Show what upgrade would do to the database as it is now.

    REV is what Alembic takes: an id or the beginning of one, +1, a branch label, branch@head;
    without it, everything that is pending is planned.

    For each statement: the relations with their sizes and rows, the locks, who holds them now,
    what is rewritten or read, about how long others would have to wait, and how upgrade goes
    about it. Then what the gate says, and how to override it.

    The times are estimates, from how fast this server reads a few pages of the tables. No other
    runner is held up, and nothing is written to the database.
    """
    reason, allowed = read_overrides(override, allow)
    request = PlanRequest(
        Direction.UPGRADE,
        revision or "heads",
        config,
        url=url,
        tenant=Tenant(in_schema, x),
        gate=GateOptions(
            pg_version,
            reason,
            allowed,
            is_target_given=revision is not None,
            disk_free_bytes=disk_free_bytes,
        ),
        format=format_,
    )
    context.exit(write_plan(request))
