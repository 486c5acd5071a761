"""`safemigrate history`."""

import shutil
import sys
from pathlib import Path

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import config_option, format_option, url_option
from safemigrate.cli.targets import Tenant, settle, tenant_options
from safemigrate.errors import ExitCode
from safemigrate.execute import read_history
from safemigrate.report.documents import encode_document
from safemigrate.report.history import format_history
from safemigrate.report.standing_documents import history_document
from safemigrate.source import open_project

__all__ = ["command"]


@click.command(
    "history",
    cls=Manual,
    exits={
        ExitCode.DONE: "it is shown",
        ExitCode.USAGE: "the command line, the configuration, env.py or the connection is wrong",
        ExitCode.GAVE_UP: "a lock was not to be had in time, or it was stopped before it was done",
    },
    examples=[
        ("Show what was run on the database", "safemigrate history"),
        ("Show it to a program", "safemigrate history --format json"),
    ],
)
@config_option
@url_option
@tenant_options
@format_option("text", "json")
def command(
    *, config: Path, url: str | None, in_schema: str, x: tuple[str, ...], format_: str
) -> None:
    """Show who applied what, when, from where, and how long it took.

    Each run also says how long others may have had to wait for it. The newest is the last. Failed
    runs are shown with their error. What plain Alembic did is not in it. Nothing is written to the
    database.
    """
    project = open_project(config, url=url)
    with settle(project, Tenant(in_schema, x)):
        found = read_history(project)
    if format_ == "json":
        click.echo(encode_document(history_document(found)), nl=False)
    else:
        # a file or a pipe takes lines of any length
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo(format_history(found, choose_paint(sys.stdout), width), nl=False)
