"""`safemigrate lint`."""

from dataclasses import dataclass, field
from pathlib import Path

import click

from safemigrate.cli.baselines import BaselineChoice, baseline_options, check_target
from safemigrate.cli.fixing import fix_files, fix_options, show_diff
from safemigrate.cli.formats import write_report
from safemigrate.cli.judging import (
    find_missing,
    has_findings,
    has_unloadable,
    judge_walk,
    list_faults,
    paths_argument,
    walk_inputs,
)
from safemigrate.cli.manual import Manual
from safemigrate.cli.options import (
    cache_option,
    config_option,
    format_option,
    pg_version_option,
    quiet_option,
)
from safemigrate.cli.schema import schema_option
from safemigrate.cli.staging import (
    ChangeChoice,
    change_options,
    choose_changes,
    say_missing,
    say_nothing,
    say_unloadable,
    say_unstaged,
)
from safemigrate.errors import ExitCode, UsageError
from safemigrate.model import LintResult
from safemigrate.report import LINT_FORMATS, Judgement
from safemigrate.source.git_index import LackingFile
from safemigrate.style import Stylist

__all__ = ["command"]


@click.command(
    "lint",
    cls=Manual,
    exits={
        ExitCode.DONE: "no finding of severity error",
        ExitCode.FINDINGS: "a finding of severity error; with --strict also a warning, or what "
        "could not be judged; with --diff something to fix; with --staged also a file that is not "
        "on disk as it is staged, or a revision that is not staged and that a staged one needs; "
        "with --staged and --changed-since also a revision that cannot be loaded, or follows one "
        "that is not there",
        ExitCode.USAGE: "the command line, the configuration or a file is wrong",
    },
    examples=[
        ("Judge the whole history", "safemigrate lint"),
        ("Judge what a branch adds", "safemigrate lint --changed-since origin/main"),
        ("Judge one file", "safemigrate lint migrations/versions/0002_add_index.py"),
        ("Judge SQL files", "safemigrate lint --schema schema.sql changes/"),
        (
            "Show what --fix would change, and change it",
            "safemigrate lint --diff",
            "safemigrate lint --fix",
        ),
    ],
)
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
    help="Exit with 1 for warnings too, and for what could not be judged.",
)
@click.option(
    "--style",
    is_flag=True,
    help="Also report on the style of the SQL, as sqlfluff judges it.",
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
    style: bool,
    baseline: Path | None,
    write_baseline: Path | None,
    fix: bool,
    diff: bool,
    quiet: bool,
) -> None:
    """Judge revisions and SQL files before they run.

    Without PATH, the whole history of the Alembic project is judged. A PATH is a revision file, a
    directory of revisions, a SQL file, or a directory of SQL files. Revisions are judged as a part
    of their whole history. Several SQL files are one history, in the order given; a directory that
    another tool keeps is read in that tool's order, and any other in the order of its names.

    No database is needed, and none is connected to. A finding is silenced where it stands, by a
    comment with a reason: "# safemigrate: ignore[RULE] REASON", or "--" in SQL.
    """
    changes = choose_changes(changed_since, staged=staged)
    if write_baseline is not None and (fix or diff):
        raise UsageError(
            "--write-baseline writes the findings that there are, which --fix and --diff change",
            "fix first, then write the baseline",
        )
    check_target(write_baseline)
    narrowing = ["--staged" if staged else "--changed-since"] if changes else []
    narrowing += ["the paths of revisions"] if paths else []
    known = BaselineChoice(baseline, write_baseline, " and ".join(narrowing))

    stylist = Stylist() if style else None
    seen = _Faults()

    def look() -> Judgement:
        walked = walk_inputs(
            paths,
            config_path=config,
            schema=schema,
            changes=changes,
            pg_version=pg_version,
            is_remembered=cache,
        )
        seen.unstaged.update(walked.change.unstaged)
        seen.lacking.update(walked.change.lacking)
        rules, judged = walked.config.rules, walked.judged
        look_at = None if stylist is None else stylist.look
        further = look_at and look_at(walked.timeline, settings=rules, paths=judged)
        result = judge_walk(walked, known, further)
        seen.missing.update(find_missing(list_faults(walked, result)))
        return Judgement(result, walked.timeline, judged)

    judgement = look()
    is_text = format_ == "text" and not diff
    if say_nothing(changes, judgement.paths, judgement.result.notices, is_text=is_text):
        ctx.exit(_exit_code(judgement.result, seen, changes, is_strict=strict))
    if (fix or diff) and style and not quiet:
        click.echo("note: --fix leaves the style as it is; see docs/style.md", err=True)
    if diff:
        ctx.exit(show_diff(judgement, format_=format_, is_quiet=quiet))
    if fix:
        judgement = fix_files(judgement, look, is_quiet=quiet)
    write_report(format_, judgement, is_quiet=quiet)
    ctx.exit(_exit_code(judgement.result, seen, changes, is_strict=strict))


@dataclass(frozen=True, slots=True)
class _Faults:
    """What is wrong beside the findings: what git says of a commit, and what is not there."""

    unstaged: set[Path] = field(default_factory=set)
    lacking: set[LackingFile] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)


def _exit_code(
    result: LintResult, seen: _Faults, changes: ChangeChoice | None, *, is_strict: bool
) -> ExitCode:
    """Return what the command exits with; says why, where that is no finding."""
    if seen.unstaged or seen.lacking:
        say_unstaged(seen.unstaged, sorted(seen.lacking))
        return ExitCode.FINDINGS
    if changes is not None and has_unloadable(result):
        say_unloadable()
        return ExitCode.FINDINGS
    for fault in sorted(seen.missing):
        say_missing(fault)
    if seen.missing:
        return ExitCode.FINDINGS
    fails = has_findings(result, is_strict=is_strict)
    return ExitCode.FINDINGS if fails else ExitCode.DONE
