"""`safemigrate upgrade`."""

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


@click.command("upgrade")
@click.argument("revision", default="heads", metavar="[REV]")
@config_option
@url_option
@run_options
@click.option(
    "--override",
    metavar="REASON",
    help="Run in spite of error findings; the reason is kept in the history.",
)
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
    override: str | None,
    format_: str,
    quiet: bool,
) -> None:
    """Apply pending revisions, safely.

    REV is what Alembic takes: an id or the beginning of one, +1, a branch label, branch@head;
    without it, everything that is pending.

    Refuses, with exit code 1, when a pending revision has an error finding that is not
    suppressed, unless --override gives a reason. Each revision is one transaction. A lock is
    waited for briefly, so that the application is not held up; when it is not to be had, the
    revision is rolled back and tried again later. One runner works at a time; a second one waits,
    then finds nothing to do.

    Exits with 3 when a lock was not to be had in time or the run was stopped, nothing changed;
    with 1 when a revision failed, nothing changed; with 4 when something was changed.
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
        override=override,
    )
    migrate(Direction.UPGRADE, revision, options)
