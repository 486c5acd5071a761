"""`safemigrate explain`."""

import sys
from pathlib import Path

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.judging import (
    changed_since_option,
    paths_argument,
    walk_inputs,
)
from safemigrate.cli.options import config_option, format_option, pg_version_option
from safemigrate.cli.schema import schema_option
from safemigrate.lint import find_unjudged
from safemigrate.report import (
    encode_document,
    explain_document,
    format_explanation,
    format_unjudged,
)

__all__ = ["command"]


@click.command("explain")
@paths_argument
@config_option
@schema_option
@changed_since_option
@pg_version_option
@format_option("text", "json")
def command(
    *,
    paths: tuple[Path, ...],
    config: Path,
    schema: Path | None,
    changed_since: str | None,
    pg_version: int | None,
    format_: str,
) -> None:
    """Show what PostgreSQL will do for every statement.

    For each: the locks it takes, the tables it rewrites or scans while it holds them, and which
    commands of an application wait meanwhile. A relation marked (new) is made by the same
    migration, so nobody waits for it.

    PATH is what it is for "safemigrate lint". No database is needed, and none is connected to.
    """
    walked = walk_inputs(
        paths,
        config_path=config,
        schema=schema,
        changed_since=changed_since,
        pg_version=pg_version,
    )
    unjudged = find_unjudged(walked.timeline, walked.paths)
    if format_ == "json":
        document = explain_document(walked.timeline, walked.paths)
        click.echo(encode_document(document), nl=False)
        for line in format_unjudged(unjudged):
            click.echo(line, err=True)
        return
    report = format_explanation(
        walked.timeline,
        paths=walked.paths,
        unjudged=unjudged,
        paint=choose_paint(sys.stdout),
    )
    click.echo(report, nl=False)
