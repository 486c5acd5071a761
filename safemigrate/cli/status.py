"""`safemigrate status`."""

import sys
from pathlib import Path

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.options import config_option, format_option, url_option
from safemigrate.execute import read_standing
from safemigrate.report.documents import encode_document
from safemigrate.report.standing import format_status
from safemigrate.report.standing_documents import status_document
from safemigrate.source import open_project

__all__ = ["command"]


@click.command("status")
@config_option
@url_option
@format_option("text", "json")
def command(*, config: Path, url: str | None, format_: str) -> None:
    """Show where the database stands.

    The revision it is at and those that are pending, a run in progress, what the last run did,
    and what was left half done: INVALID indexes and NOT VALID constraints.

    Writes nothing to the database. Exits with 0 whatever it finds.
    """
    found = read_standing(open_project(config, url=url))
    if format_ == "json":
        click.echo(encode_document(status_document(found)), nl=False)
    else:
        click.echo(format_status(found, choose_paint(sys.stdout)), nl=False)
