"""`safemigrate downgrade`."""

import click

from safemigrate.cli.completing import complete_revisions
from safemigrate.cli.manual import Manual
from safemigrate.cli.run_options import RunOptions, run_options
from safemigrate.cli.running import migrate
from safemigrate.errors import ExitCode
from safemigrate.model import Direction

__all__ = ["command"]


@click.command(
    "downgrade",
    cls=Manual,
    # -1 is a revision
    context_settings={"ignore_unknown_options": True},
    exits={
        ExitCode.DONE: "taken back, or nothing to do",
        ExitCode.FINDINGS: "refused, or a revision failed: nothing was changed",
        ExitCode.USAGE: "the command line, the configuration, env.py or the connection is wrong: "
        "nothing was begun",
        ExitCode.GAVE_UP: "gave up waiting, or was stopped: nothing was changed, run it again",
        ExitCode.PART_WAY: "stopped part-way: the same command goes on from there, and "
        '"safemigrate status" says where',
    },
    examples=[
        (
            "Show what taking back the newest revision would do",
            "safemigrate downgrade -1 --dry-run",
        ),
        ("Take it back", "safemigrate downgrade -1"),
        ("Go back to a revision, which stays", "safemigrate downgrade 3f1a2b4c5d6e"),
        (
            "Take back on a database that is production",
            'safemigrate downgrade -1 --allow production="release 41 is back"',
        ),
    ],
)
@click.argument("revision", metavar="REV", shell_complete=complete_revisions)
@run_options
@click.pass_context
def command(context: click.Context, *, revision: str, options: RunOptions) -> None:
    """Take revisions back, safely.

    REV is what Alembic takes: the id to go back to or the beginning of one, base, branch@base,
    or -1 for the newest one alone. There is no default: going back is never what a command does by
    itself.

    The revisions, newest first, go through the same locks and history as in upgrade. What is found
    in them is shown as a warning, and refuses nothing; on a database that the configuration calls
    production, the downgrade itself is refused unless a reason is given.
    """
    context.exit(migrate(Direction.DOWNGRADE, revision, options))
