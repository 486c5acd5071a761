"""What git chooses of a history: what a branch adds, or the next commit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click

from safemigrate.errors import UsageError
from safemigrate.model import History
from safemigrate.report.excerpt import one_line
from safemigrate.source import find_additions
from safemigrate.source.excerpt import show_path

__all__ = [
    "ChangeChoice",
    "Chosen",
    "change_options",
    "choose_changes",
    "keep_added",
    "say_nothing",
    "say_unstaged",
]

Function = TypeVar("Function", bound=Callable[..., object])


def change_options(function: Function) -> Function:
    """Add `--changed-since` and `--staged`; parameters `changed_since` and `staged`."""
    for option in (
        click.option(
            "--staged",
            is_flag=True,
            help="Report only on what the next git commit adds or changes: what is staged, as it "
            "is on disk; lint exits with 1 where that is not the same.",
        ),
        click.option(
            "--changed-since",
            metavar="REF",
            help="Report only on what is new or changed since the branch left this git reference; "
            "a revision is known by its id and its code, whatever its file is called.",
        ),
    ):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class ChangeChoice:
    """What to judge: since the branch left `since`, or of the next commit when that is None."""

    since: str | None

    def describe_nothing(self) -> str:
        """Return what is said when that is nothing."""
        if self.since is None:
            return "nothing to judge: no migration that is staged is new or changed"
        return f'nothing to judge: no migration is new or changed since "{one_line(self.since)}"'


def choose_changes(changed_since: str | None, *, staged: bool) -> ChangeChoice | None:
    """Return what the options choose, None for the whole history; raises UsageError for both."""
    if staged and changed_since is not None:
        raise UsageError(
            "--staged and --changed-since are two ways to choose what is judged",
            "--staged is for a hook that runs before a commit, --changed-since for a pull request",
        )
    if changed_since is None and not staged:
        return None
    return ChangeChoice(changed_since)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What git chooses of a history.

    `history`: with notices of the choice. `paths`: of it, those that are chosen. `unstaged`: files
    that would be committed with other content than was read.
    """

    history: History
    paths: frozenset[str]
    unstaged: tuple[Path, ...] = ()


def keep_added(
    history: History, paths: frozenset[str] | None, *, directory: Path, choice: ChangeChoice
) -> Chosen:
    """Return which of the paths of a history are chosen; says what is not as it would be committed.

    `paths`: what was asked for; None means all. `directory`: any of the working tree.
    Raises UsageError for a reference that git does not know, SourceError when git refuses.
    """
    asked = [one.path for one in history.migrations if paths is None or one.path in paths]
    added = find_additions(asked, directory, choice.since)
    for path in added.unstaged:
        state = (
            "has changes that are not staged: it is judged as it is on disk, not as it would be "
            "committed"
            if path.exists()
            else "is staged and not on disk: it is not judged"
        )
        click.echo(f'note: "{one_line(show_path(path))}" {state}', err=True)
    helped = _find_helped(history, added.others) & frozenset(asked)
    notices = [_describe_moved(added.moved)] if added.moved else []
    inputs = {Path(one).resolve() for one in history.inputs} & added.others
    notices += [
        f'"{one_line(show_path(one))}" is new or changed, and read for the migrations: those that '
        "are not new may send something else now, and are judged when all are"
        for one in sorted(inputs)
    ]
    if notices:
        history = replace(history, notices=(*history.notices, *notices))
    return Chosen(history, added.paths | helped, added.unstaged)


def _find_helped(history: History, changed: frozenset[Path]) -> frozenset[str]:
    """Return the migrations that send something by a helper in one of those files."""
    return frozenset(
        migration.path
        for migration in history.migrations
        for helper in {one.helper for one in (*migration.upgrade, *migration.downgrade)} - {""}
        if Path(helper.rpartition(":")[0]).resolve() in changed
    )


def say_unstaged() -> None:
    """Say why a run ends with an error although it may have found nothing."""
    click.echo("error: what was judged is not what would be committed", err=True)
    click.echo("hint: stage the changes with git add, or put them aside with git stash", err=True)


def say_nothing(
    choice: ChangeChoice | None,
    paths: frozenset[str] | None,
    notices: tuple[str, ...],
    *,
    is_text: bool,
) -> bool:
    """Say that there is nothing to judge, if so; return whether that is all there is to report.

    `paths`: of what is chosen. Text is the whole report, with its `notices`; programs still read
    one of theirs, and people this on standard error.
    """
    if choice is None or paths is None or paths:
        return False
    if is_text:
        for notice in notices:
            click.echo(f"note: {one_line(notice)}")
    click.echo(choice.describe_nothing(), err=not is_text)
    return is_text


def _describe_moved(moved: tuple[str, ...]) -> str:
    names = ", ".join(f'"{revision}"' for revision in moved)
    if len(moved) == 1:
        return (
            f"revision {names} stands at another place of the history with the same code; it is "
            "not new, and not judged: name its file to have it judged there"
        )
    return (
        f"revisions {names} stand at other places of the history with the same code; they are not "
        "new, and not judged: name their files to have them judged there"
    )
