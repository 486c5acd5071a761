"""What git chooses of a history: what a branch adds, or the next commit."""

import shlex
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click

from safemigrate.cli.completing import complete_references
from safemigrate.errors import UsageError
from safemigrate.model import History
from safemigrate.report.excerpt import one_line
from safemigrate.source import find_additions
from safemigrate.source.excerpt import show_path
from safemigrate.source.git_index import Lack, LackingFile, find_lack

__all__ = [
    "Change",
    "ChangeChoice",
    "Chosen",
    "change_options",
    "choose_changes",
    "keep_added",
    "say_missing",
    "say_nothing",
    "say_unloadable",
    "say_unstaged",
]

_DATA = frozenset({".csv", ".ddl", ".pgsql", ".psql", ".sql", ".tsv"})

Function = TypeVar("Function", bound=Callable[..., object])


def change_options(function: Function) -> Function:
    """Add `--changed-since` and `--staged`; parameters `changed_since` and `staged`."""
    for option in (
        click.option(
            "--staged",
            is_flag=True,
            help="Report only on what the next git commit adds or changes: what is staged, as it "
            "is on disk. Where that is not the same, lint exits with 1.",
        ),
        click.option(
            "--changed-since",
            metavar="REF",
            shell_complete=complete_references,
            help="Report only on what is new or changed since the branch left this git reference. "
            "A revision is known by its id and its code, whatever its file is called.",
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
class Change:
    """What a branch, or a commit, does to a history beside what it adds.

    `unstaged`: files that would be committed with other content than was read. `lacking`: revision
    files that would not be committed, and others need them. `is_of_history`: which revisions there
    are is changed, or what one runs, or where it stands. `doubts`: those of the notices that
    somebody should look at, for nothing else is said of them.
    """

    unstaged: tuple[Path, ...] = ()
    lacking: tuple[LackingFile, ...] = ()
    is_of_history: bool = False
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """What git chooses of a history.

    `history`: with notices of the choice. `paths`: of it, those that are chosen.
    """

    history: History
    paths: frozenset[str]
    change: Change


def keep_added(
    history: History, paths: frozenset[str] | None, *, directory: Path, choice: ChangeChoice
) -> Chosen:
    """Return which of the paths of a history are chosen; says what is not as it would be committed.

    `paths`: what was asked for; None means all. `directory`: any of the working tree.
    Raises UsageError for a reference that git does not know, SourceError when git refuses.
    """
    asked = [one.path for one in history.migrations if paths is None or one.path in paths]
    added = find_additions(asked, directory, choice.since)
    # since a reference the working tree is judged, with what git has not
    is_commit = choice.since is None
    lack = find_lack(history, asked, added.touched, directory) if is_commit else Lack()
    _tell_unstaged(added.unstaged, lack)
    helped = _find_helped(history, added.others) & frozenset(asked)
    # of what is named, others may have the ids; and a commit may take back one of its own branch
    is_released = paths is None and not is_commit
    doubts = [_describe_gone(added.gone)] if added.gone and is_released else []
    doubts += map(_describe_lacking, lack.files)
    notices = [_describe_moved(added.moved)] if added.moved else []
    inputs = {Path(one).resolve() for one in history.inputs} & added.others
    if all(one.path in added.paths for one in history.migrations):
        # such as on the first commit: there are no others
        inputs = set()
    for one in sorted(inputs):
        # code and settings change with every release, data of a migration hardly ever
        said = doubts if one.suffix.lower() in _DATA else notices
        said.append(
            f'"{one_line(show_path(one))}" is new or changed, and read for the migrations: those '
            "that are not new may send something else now, and are judged when all are"
        )
    if notices or doubts:
        history = replace(history, notices=(*history.notices, *doubts, *notices))
    chosen = added.paths | helped
    is_of_history = bool(chosen or added.moved or added.gone)
    lacking = tuple(sorted({one.file for one in lack.parents}))
    return Chosen(history, chosen, Change(added.unstaged, lacking, is_of_history, tuple(doubts)))


def _tell_unstaged(unstaged: Iterable[Path], lack: Lack) -> None:
    """Say in what a commit would be another one than was read."""
    for path in unstaged:
        state = (
            "has changes that are not staged: it is judged as it is on disk, not as it would be "
            "committed"
            if path.exists()
            else "is staged and not on disk: it is not judged"
        )
        click.echo(f'note: "{one_line(show_path(path))}" {state}', err=True)
    for one in lack.parents:
        follows = "follows" if one.is_followed else "depends on"
        click.echo(
            f'note: "{one_line(one.path)}" {follows} "{one_line(one.name)}", and the commit would '
            f'not have "{one_line(show_path(one.file.path))}": Alembic loads no revision then',
            err=True,
        )


def _find_helped(history: History, changed: frozenset[Path]) -> frozenset[str]:
    """Return the migrations that send something by a helper in one of those files."""
    return frozenset(
        migration.path
        for migration in history.migrations
        for helper in {one.helper for one in (*migration.upgrade, *migration.downgrade)} - {""}
        if Path(helper.rpartition(":")[0]).resolve() in changed
    )


def say_unstaged(unstaged: Collection[Path], lacking: Iterable[LackingFile]) -> None:
    """Say why a run ends with an error although it may have found nothing."""
    click.echo("error: what was judged is not what would be committed", err=True)
    if unstaged:
        hint = "stage the changes with git add, or put them aside with git stash"
        click.echo(f"hint: {hint}", err=True)
    for one in lacking:
        click.echo(f"hint: stage it too: {_show_adding(one)}", err=True)


def say_unloadable() -> None:
    """Say why a run ends with an error although it has found nothing."""
    click.echo("error: a revision that is new or changed cannot be loaded", err=True)
    click.echo("hint: Alembic would stop at it, too; what it does, nobody has seen", err=True)


def say_missing(fault: str) -> None:
    """Say why a run ends with an error although it has found nothing: what a revision follows."""
    click.echo(f"error: {one_line(fault)}", err=True)
    click.echo(
        "hint: Alembic loads no revision then; restore the missing file, or point to the revision "
        "that should come before",
        err=True,
    )


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


def _show_adding(file: LackingFile) -> str:
    """Return the command that would have the file committed."""
    force = "-f " if file.is_ignored else ""
    return f"git add {force}{one_line(shlex.quote(show_path(file.path)))}"


def _describe_lacking(file: LackingFile) -> str:
    return (
        f'"{one_line(show_path(file.path))}" is read for the migrations, and the commit would not '
        f"have it; where they need it: {_show_adding(file)}"
    )


def _describe_gone(gone: tuple[str, ...]) -> str:
    names = ", ".join(f'"{one_line(revision)}"' for revision in gone)
    are, one = ("revisions {} are", "one of them") if len(gone) > 1 else ("revision {} is", "it")
    return (
        f"{are.format(names)} gone: a database that is at {one} can neither be upgraded nor "
        "downgraded any more"
    )


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
