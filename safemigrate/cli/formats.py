"""The report of `lint` on standard output, in the format asked for."""

import sys

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.report import Judgement, format_assumptions, format_lint
from safemigrate.report.excerpt import one_line

__all__ = ["write_report"]


def write_report(format_: str, judgement: Judgement, *, is_quiet: bool) -> None:
    """Write the report.

    The notices, and what was assumed, are a part of the text; other formats, where they have no
    place of their own, go without, and it is told on standard error. What programs read is UTF-8
    whatever the terminal's encoding is, as the formats say it is.
    """
    if format_ == "text":
        click.echo(format_lint(format_, judgement, choose_paint(sys.stdout)), nl=False)
        return
    document = format_lint(format_, judgement)
    click.echo(document.encode("utf-8", errors="replace"), nl=False)
    if is_quiet:
        return
    for line in format_assumptions(judgement.result.assumptions):
        click.echo(line, err=True)
    for notice in judgement.result.notices:
        click.echo(f"note: {one_line(notice)}", err=True)
