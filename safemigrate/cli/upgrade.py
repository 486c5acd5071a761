"""`safemigrate upgrade`."""

import click

from safemigrate.cli.run_options import RunOptions, run_options
from safemigrate.cli.running import migrate
from safemigrate.model import Direction

__all__ = ["command"]


@click.command("upgrade")
@click.argument("revision", required=False, metavar="[REV]")
@run_options
@click.pass_context
def command(context: click.Context, *, revision: str | None, options: RunOptions) -> None:
    """Apply pending revisions, safely.

    REV is what Alembic takes: an id or the beginning of one, +1, a branch label, branch@head;
    without it, everything that is pending.

    Refuses, with exit code 1, when something speaks against it, such as a pending revision with
    an error finding that is not suppressed, unless --override or --allow gives a reason. Each
    revision is one transaction. A table that is in use is waited for beside the queue of its
    lock, so that the application is not held up; the lock itself is waited for briefly. One
    runner works at a time; a second one waits, then finds nothing to do.

    SIGTERM and SIGINT stop it where nothing is lost; the same command goes on from there.

    Exits with 3 when a lock was not to be had in time or the run was stopped, nothing changed;
    with 1 when a revision failed, nothing changed; with 4 when something was changed.
    """
    context.exit(migrate(Direction.UPGRADE, revision or "heads", options))
