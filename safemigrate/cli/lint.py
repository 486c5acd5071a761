"""`safemigrate lint`."""

import sys
from pathlib import Path

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.cli.judging import (
    changed_since_option,
    judge_walk,
    paths_argument,
    schema_option,
    walk_inputs,
)
from safemigrate.cli.options import config_option, format_option, pg_version_option, quiet_option
from safemigrate.errors import ExitCode
from safemigrate.model import LintResult, Severity
from safemigrate.report import encode_document, format_findings, lint_document

__all__ = ["command"]


@click.command("lint")
@paths_argument
@config_option
@schema_option
@changed_since_option
@pg_version_option
@format_option("text", "json")
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 for warnings, and for what could not be judged, too.",
)
@quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    config: Path,
    schema: Path | None,
    changed_since: str | None,
    pg_version: int | None,
    format_: str,
    strict: bool,
    quiet: bool,
) -> None:
    """Judge revisions and SQL files before they run.

    Without PATH, the whole history of the Alembic project. A PATH is a revision file, a directory
    of revisions, a SQL file, or a directory of SQL files. Revisions are judged as a part of their
    whole history. Several SQL files are one history, in the order given; a directory in the order
    of its names.

    No database is needed, and none is connected to.

    Exits with 1 when there is a finding of severity error.
    """
    walked = walk_inputs(
        paths,
        config_path=config,
        schema=schema,
        changed_since=changed_since,
        pg_version=pg_version,
    )
    result = judge_walk(walked)
    if format_ == "json":
        click.echo(encode_document(lint_document(result)), nl=False)
        for notice in () if quiet else result.notices:
            click.echo(f"note: {notice}", err=True)
    else:
        report = format_findings(result, walked.timeline, choose_paint(sys.stdout))
        click.echo(report, nl=False)
    ctx.exit(_exit_code(result, is_strict=strict))


def _exit_code(result: LintResult, *, is_strict: bool) -> ExitCode:
    """Return what the command exits with."""
    fails = result.count(Severity.ERROR) > 0
    if is_strict:
        is_partial = any(entry.hides_statements for entry in result.unjudged)
        fails = fails or is_partial or result.count(Severity.WARNING) > 0
    return ExitCode.FINDINGS if fails else ExitCode.DONE
