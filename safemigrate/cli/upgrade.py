"""`safemigrate upgrade`."""

import click

from safemigrate.cli.completing import complete_revisions
from safemigrate.cli.manual import Manual
from safemigrate.cli.run_options import RunOptions, run_options
from safemigrate.cli.running import migrate
from safemigrate.errors import ExitCode
from safemigrate.model import Direction

__all__ = ["command"]


@click.command(
    "upgrade",
    cls=Manual,
    exits={
        ExitCode.DONE: "applied, or nothing to do",
        ExitCode.FINDINGS: "refused, or a revision failed: nothing was changed",
        ExitCode.USAGE: "the command line, the configuration, env.py or the connection is wrong: "
        "nothing was begun",
        ExitCode.GAVE_UP: "gave up waiting, or was stopped: nothing was changed, run it again",
        ExitCode.PART_WAY: "stopped part-way: the same command goes on from there, and "
        '"safemigrate status" says where',
    },
    examples=[
        ("Show what would be done, and do it", "safemigrate plan", "safemigrate upgrade"),
        ("Wait up to ten minutes for tables in use", "safemigrate upgrade --deadline 600"),
        ("Apply the next revision alone", "safemigrate upgrade +1"),
        (
            "Run what lint objects to, and keep the reason",
            'safemigrate upgrade --allow findings="the table is empty"',
        ),
        (
            "Run on each tenant's schema, eight at a time",
            "safemigrate upgrade --schemas-from 'SELECT name FROM tenant' --jobs 8",
        ),
    ],
)
@click.argument("revision", required=False, metavar="[REV]", shell_complete=complete_revisions)
@run_options
@click.pass_context
def command(context: click.Context, *, revision: str | None, options: RunOptions) -> None:
    """Apply pending revisions, safely.

    REV is what Alembic takes: an id or the beginning of one, +1, a branch label, branch@head;
    without it, everything that is pending is applied.

    It refuses when something speaks against it, such as a pending revision with an error finding
    that is not silenced, unless --override or --allow gives a reason. Each revision is one
    transaction. A table that is in use is waited for beside the queue of its lock, so that the
    application is not held up; the lock itself is waited for briefly. One runner works at a time;
    a second one waits, then finds nothing to do.

    SIGTERM and SIGINT (Ctrl-C) stop it where nothing is lost; the same command goes on from there.
    """
    context.exit(migrate(Direction.UPGRADE, revision or "heads", options))
