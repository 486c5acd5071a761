"""The report of `lint` on standard output, in the format asked for."""

import sys

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.report import Judgement, format_lint
from safemigrate.report.excerpt import one_line

__all__ = ["write_report"]


def write_report(format_: str, judgement: Judgement, *, is_quiet: bool) -> None:
    """Write the report; only the text's notices are a part of it, others go to standard error.

    What programs read is UTF-8 whatever the terminal's encoding is, as the formats say it is.
    """
    if format_ == "text":
        click.echo(format_lint(format_, judgement, choose_paint(sys.stdout)), nl=False)
        return
    document = format_lint(format_, judgement)
    click.echo(document.encode("utf-8", errors="replace"), nl=False)
    for notice in () if is_quiet else judgement.result.notices:
        click.echo(f"note: {one_line(notice)}", err=True)
