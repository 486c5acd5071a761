"""`safemigrate explain`."""

import sys
from pathlib import Path

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.judging import (
    paths_argument,
    walk_inputs,
)
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import cache_option, config_option, format_option, pg_version_option
from safemigrate.cli.schema import schema_option
from safemigrate.cli.staging import change_options, choose_changes, say_nothing
from safemigrate.errors import ExitCode
from safemigrate.lint import find_assumptions, find_unjudged
from safemigrate.report import (
    encode_document,
    explain_document,
    format_assumptions,
    format_explanation,
    format_unjudged,
)

__all__ = ["command"]


@click.command(
    "explain",
    cls=Manual,
    exits={
        ExitCode.DONE: "it is explained",
        ExitCode.USAGE: "the command line, the configuration or a file is wrong",
    },
    examples=[
        ("Explain the whole history", "safemigrate explain"),
        ("Explain one revision", "safemigrate explain migrations/versions/0002_add_index.py"),
        ("Explain a SQL file for PostgreSQL 17", "safemigrate explain --pg-version 17 change.sql"),
    ],
)
@paths_argument
@config_option
@schema_option
@change_options
@pg_version_option
@cache_option
@format_option("text", "json")
def command(
    *,
    paths: tuple[Path, ...],
    config: Path,
    schema: Path | None,
    changed_since: str | None,
    staged: bool,
    pg_version: int | None,
    cache: bool,
    format_: str,
) -> None:
    """Show what PostgreSQL will do for every statement.

    For each one: the locks it takes, the tables it rewrites or scans while it holds them, and which
    commands of an application wait meanwhile. A relation marked (new) is made by the same
    migration, so nobody waits for it.

    A PATH is what it is for "safemigrate lint": files or directories of revisions or of SQL. No
    database is needed, and none is connected to.
    """
    changes = choose_changes(changed_since, staged=staged)
    walked = walk_inputs(
        paths,
        config_path=config,
        schema=schema,
        changes=changes,
        pg_version=pg_version,
        is_remembered=cache,
    )
    if say_nothing(changes, walked.paths, walked.timeline.notices, is_text=format_ == "text"):
        return
    unjudged = find_unjudged(walked.timeline, walked.paths)
    assumptions = find_assumptions(walked.timeline, walked.paths)
    if format_ == "json":
        document = explain_document(walked.timeline, walked.paths)
        click.echo(encode_document(document), nl=False)
        for line in (*format_assumptions(assumptions), *format_unjudged(unjudged)):
            click.echo(line, err=True)
        return
    report = format_explanation(
        walked.timeline,
        paths=walked.paths,
        unjudged=unjudged,
        assumptions=assumptions,
        paint=choose_paint(sys.stdout),
    )
    click.echo(report, nl=False)
