"""`safemigrate history`."""

import sys
from pathlib import Path

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.options import config_option, format_option, url_option
from safemigrate.execute import read_history
from safemigrate.report.documents import encode_document
from safemigrate.report.standing import format_history
from safemigrate.report.standing_documents import history_document
from safemigrate.source import open_project

__all__ = ["command"]


@click.command("history")
@config_option
@url_option
@format_option("text", "json")
def command(*, config: Path, url: str | None, format_: str) -> None:
    """Show who applied what, when, and how long it took.

    The newest is the last. Failed runs are shown with their error. What plain Alembic did is not
    in it. Writes nothing to the database.
    """
    found = read_history(open_project(config, url=url))
    if format_ == "json":
        click.echo(encode_document(history_document(found)), nl=False)
    else:
        click.echo(format_history(found, choose_paint(sys.stdout)), nl=False)
