"""`lint --fix` and `lint --diff`."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from difflib import unified_diff
from typing import TypeVar

import click

from safemigrate.errors import ExitCode, UsageError
from safemigrate.lint import FileFix, FixPlan, plan_fixes
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.report import Judgement
from safemigrate.source import Rewrite, rewrite_files

__all__ = ["fix_files", "fix_options", "show_diff"]

Function = TypeVar("Function", bound=Callable[..., object])

# What one round leaves, because it meets another fix, the next one finds; this many are plenty.
_ROUNDS = 8


def fix_options(function: Function) -> Function:
    """Add `--fix` and `--diff`; the parameters are `fix: bool` and `diff: bool`."""
    diff = click.option(
        "--diff",
        is_flag=True,
        help="Show what --fix would change, as a unified diff, and write nothing; exit with 1 "
        "when there is something.",
    )
    fix = click.option(
        "--fix",
        is_flag=True,
        help="Change the files where that is safe and ends in the same schema, and report on what "
        "is left.",
    )
    return fix(diff(function))


def fix_files(
    judgement: Judgement, judge_again: Callable[[], Judgement], *, is_quiet: bool
) -> Judgement:
    """Make the safe fixes in the files, and return what is found in them then.

    Says on standard error what was fixed, and what was not for which reason. Raises SourceError
    for a file that has changed since it was read, or may not be written.
    """
    fixed: Counter[tuple[str, str]] = Counter()
    plan = _plan(judgement)
    for _ in range(_ROUNDS):
        if not plan.files:
            break
        rewrite_files([Rewrite(file.migration, file.edits) for file in plan.files])
        fixed.update((one.path, one.rule) for file in plan.files for one in file.findings)
        judgement = judge_again()
        plan = _plan(judgement)
    if not is_quiet:
        for (path, rule), count in sorted(fixed.items()):
            times = "" if count == 1 else f" ({count} times)"
            click.echo(f"fixed {path}: {rule}{times}", err=True)
        _show_unfixed(plan)
    return judgement


def show_diff(judgement: Judgement, *, format_: str, is_quiet: bool) -> ExitCode:
    """Write the diff of what the safe fixes would change to standard output; return the exit code.

    Passwords are hidden in it. Raises UsageError when another format than text is asked for.
    """
    if format_ != "text":
        raise UsageError(
            f'--diff writes a diff, not "{format_}"', "leave one of --diff and --format out"
        )
    plan = _plan(judgement)
    document = "".join(line for file in plan.files for line in _diff(file))
    click.echo(document.encode("utf-8", errors="replace"), nl=False)
    if not is_quiet:
        _show_unfixed(plan)
    return ExitCode.FINDINGS if plan.files else ExitCode.DONE


def _plan(judgement: Judgement) -> FixPlan:
    return plan_fixes(judgement.result, judgement.timeline)


def _show_unfixed(plan: FixPlan) -> None:
    for one in plan.unfixed:
        finding = one.finding
        place = f"{finding.path}:{finding.span.line}"
        click.echo(f"not fixed {place}: {finding.rule}: {one.reason}", err=True)


def _diff(file: FileFix) -> Iterator[str]:
    path = file.migration.path
    before, after = _list_lines(file.migration.text), _list_lines(file.text)
    for line in unified_diff(before, after, path, path):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _list_lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+\Z", hide_sql_passwords(text))
