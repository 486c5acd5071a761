"""`safemigrate downgrade`."""

from pathlib import Path

import click

from safemigrate.cli.options import (
    config_option,
    format_option,
    quiet_option,
    url_option,
)
from safemigrate.cli.running import RunOptions, migrate, run_options
from safemigrate.model import Direction

__all__ = ["command"]


@click.command("downgrade", context_settings={"ignore_unknown_options": True})
@click.argument("revision", metavar="REV")
@config_option
@url_option
@run_options
@format_option("text", "json")
@quiet_option
def command(
    *,
    revision: str,
    config: Path,
    url: str | None,
    lock_timeout_ms: int | None,
    lock_attempts: int | None,
    deadline: float | None,
    pg_version: int | None,
    format_: str,
    quiet: bool,
) -> None:
    """Take revisions back, safely.

    REV is what Alembic takes: the id to go back to or the beginning of one, base, branch@base,
    or -1 for the newest one alone.

    The revisions, newest first, go through the same locks and history as in upgrade. What is found
    in them is shown as a warning, and refuses nothing.
    """
    options = RunOptions(
        config=config,
        url=url,
        pg_version=pg_version,
        lock_timeout_ms=lock_timeout_ms,
        lock_attempts=lock_attempts,
        deadline=deadline,
        format=format_,
        quiet=quiet,
    )
    migrate(Direction.DOWNGRADE, revision, options)
