"""`safemigrate lint`."""

from collections.abc import Collection
from pathlib import Path

import click

from safemigrate.cli.baselines import BaselineChoice, baseline_options
from safemigrate.cli.fixing import fix_files, fix_options, show_diff
from safemigrate.cli.formats import write_report
from safemigrate.cli.judging import (
    judge_walk,
    paths_argument,
    walk_inputs,
)
from safemigrate.cli.options import (
    cache_option,
    config_option,
    format_option,
    pg_version_option,
    quiet_option,
)
from safemigrate.cli.schema import schema_option
from safemigrate.cli.staging import change_options, choose_changes, say_nothing, say_unstaged
from safemigrate.errors import ExitCode, UsageError
from safemigrate.model import LintResult, Severity
from safemigrate.report import LINT_FORMATS, Judgement

__all__ = ["command"]


@click.command("lint")
@paths_argument
@config_option
@schema_option
@change_options
@pg_version_option
@cache_option
@format_option(*LINT_FORMATS)
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 for warnings, and for what could not be judged, too.",
)
@baseline_options
@fix_options
@quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    config: Path,
    schema: Path | None,
    changed_since: str | None,
    staged: bool,
    pg_version: int | None,
    cache: bool,
    format_: str,
    strict: bool,
    baseline: Path | None,
    write_baseline: Path | None,
    fix: bool,
    diff: bool,
    quiet: bool,
) -> None:
    """Judge revisions and SQL files before they run.

    Without PATH, the whole history of the Alembic project. A PATH is a revision file, a directory
    of revisions, a SQL file, or a directory of SQL files. Revisions are judged as a part of their
    whole history. Several SQL files are one history, in the order given; a directory that another
    tool keeps is read in that tool's order, and any other in the order of its names.

    No database is needed, and none is connected to.

    Exits with 1 when there is a finding of severity error, and with --staged when what would be
    committed is not what is on disk.
    """
    changes = choose_changes(changed_since, staged=staged)
    if write_baseline is not None and (fix or diff):
        raise UsageError(
            "--write-baseline writes the findings that there are, which --fix and --diff change",
            "fix first, then write the baseline",
        )

    unstaged: set[Path] = set()

    def look() -> Judgement:
        walked = walk_inputs(
            paths,
            config_path=config,
            schema=schema,
            changes=changes,
            pg_version=pg_version,
            is_remembered=cache,
        )
        unstaged.update(walked.unstaged)
        result = judge_walk(walked, BaselineChoice(baseline, write_baseline))
        return Judgement(result, walked.timeline, walked.judged)

    judgement = look()
    is_text = format_ == "text" and not diff
    if say_nothing(changes, judgement.paths, judgement.result.notices, is_text=is_text):
        ctx.exit(_exit_code(judgement.result, unstaged, is_strict=strict))
    if diff:
        ctx.exit(show_diff(judgement, format_=format_, is_quiet=quiet))
    if fix:
        judgement = fix_files(judgement, look, is_quiet=quiet)
    write_report(format_, judgement, is_quiet=quiet)
    ctx.exit(_exit_code(judgement.result, unstaged, is_strict=strict))


def _exit_code(result: LintResult, unstaged: Collection[Path], *, is_strict: bool) -> ExitCode:
    """Return what the command exits with; says why, where that is no finding."""
    if unstaged:
        say_unstaged()
        return ExitCode.FINDINGS
    fails = result.count(Severity.ERROR) > 0
    if is_strict:
        is_partial = any(entry.hides_statements for entry in result.unjudged)
        fails = fails or is_partial or result.count(Severity.WARNING) > 0
    return ExitCode.FINDINGS if fails else ExitCode.DONE
