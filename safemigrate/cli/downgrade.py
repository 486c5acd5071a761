"""`safemigrate downgrade`."""

import click

from safemigrate.cli.run_options import RunOptions, run_options
from safemigrate.cli.running import migrate
from safemigrate.model import Direction

__all__ = ["command"]


@click.command("downgrade", context_settings={"ignore_unknown_options": True})
@click.argument("revision", metavar="REV")
@run_options
@click.pass_context
def command(context: click.Context, *, revision: str, options: RunOptions) -> None:
    """Take revisions back, safely.

    REV is what Alembic takes: the id to go back to or the beginning of one, base, branch@base,
    or -1 for the newest one alone.

    The revisions, newest first, go through the same locks and history as in upgrade. What is found
    in them is shown as a warning, and refuses nothing; on a database that the configuration calls
    production, the downgrade itself is refused unless a reason is given.
    """
    context.exit(migrate(Direction.DOWNGRADE, revision, options))
