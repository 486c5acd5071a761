"""The baseline file: read, left out of a result, and written."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from safemigrate.cli.destinations import check_destinations
from safemigrate.cli.files import write_file
from safemigrate.config import Config
from safemigrate.errors import ConfigError, UsageError
from safemigrate.lint import (
    Baseline,
    BaselineEntry,
    choose_paths,
    decode_baseline,
    encode_baseline,
    leave_out,
    list_known,
)
from safemigrate.model import LintResult, Timeline
from safemigrate.source.excerpt import show_path
from safemigrate.source.text import read_text

__all__ = [
    "BaselineChoice",
    "baseline_options",
    "check_baseline",
    "check_target",
    "leave_out_known",
    "make_baseline",
]

_WRITE = "--write-baseline"

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class BaselineChoice:
    """What a command line says: the file to leave out, and the one to write; None for neither.

    `narrowing`: what else it says that leaves a part of the history out, as it is written there.
    """

    read: Path | None = None
    write: Path | None = None
    narrowing: str = ""


def baseline_options(function: Function) -> Function:
    """Add `--baseline` and `--write-baseline`; parameters `baseline` and `write_baseline`."""
    for option in (
        click.option(
            _WRITE,
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Write all findings there are to this file, for --baseline to leave out.",
        ),
        click.option(
            "--baseline",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Leave out the findings that this file lists; default: the configuration's.",
        ),
    ):
        function = option(function)
    return function


def leave_out_known(
    result: LintResult,
    config: Config,
    *,
    timeline: Timeline,
    paths: frozenset[str] | None,
    choice: BaselineChoice,
) -> LintResult:
    """Return the result without what the baseline has, that of the command line or configured.

    `paths`: of what was judged, as `judge` was given them. With a file to write, that is written
    first, and is the baseline. Raises ConfigError for one that cannot be read.
    """
    if choice.write is not None:
        file = choice.write
        if paths is not None:
            raise UsageError("a baseline is of the whole history", f"take out {choice.narrowing}")
        write_file(file, make_baseline(result, file))
    elif choice.read is not None:
        file = choice.read
    elif config.baseline is not None:
        file = Path(config.baseline)
    else:
        return result
    shown = show_path(file)
    scope = _Scope(timeline, choose_paths(timeline, paths, config.rules.start_after), file)
    return leave_out(result, _read(file), place=_place(file), scope=scope, name=shown)


def check_target(file: Path | None) -> None:
    """Raise UsageError for a file that is there and that no baseline is to be written over."""
    check_destinations({_WRITE: file}, f"{_WRITE} safemigrate-baseline.json")
    if file is None or not file.is_file():
        return
    try:
        content = file.read_bytes()
    except OSError:
        # to write it is no better, and says so
        return
    # of any version, and of one that a merge has broken
    if content.strip() and not all(key in content for key in (b'"version"', b'"findings"')):
        raise UsageError(
            f'"{show_path(file)}" is there, and is not a baseline',
            f"name another file for {_WRITE}, or delete this one first",
        )


def make_baseline(result: LintResult, file: Path) -> str:
    """Return the text of a baseline that has the result's findings, to be written to `file`."""
    return encode_baseline(list_known(result.findings, _place(file)))


def check_baseline(file: Path) -> None:
    """Raise ConfigError for a file that is there and is no baseline."""
    _read(file)


def _read(file: Path) -> Baseline:
    if not file.exists():
        raise ConfigError(
            f'there is no baseline "{show_path(file)}"',
            "write it with safemigrate lint --write-baseline",
        )
    return decode_baseline(read_text(file, error=ConfigError), show_path(file))


def _place(file: Path) -> Callable[[str], str]:
    """Return what makes paths relative to the baseline's folder, so that it can be run anywhere."""
    folder = file.absolute().parent
    return lambda path: Path(os.path.relpath(Path(path).absolute(), folder)).as_posix()


class _Scope:
    """Tells of an entry whether it was looked for."""

    def __init__(self, timeline: Timeline, paths: frozenset[str] | None, file: Path) -> None:
        place = _place(file)
        migrations = {one.migration.path: one.migration for one in timeline.passages}
        judged = [one for path, one in migrations.items() if paths is None or path in paths]
        self._revisions = {one.revision for one in judged}
        self._files = {place(one.path) for one in judged}
        # In a whole project, what a revision had that is gone is gone with it.
        self._is_whole = paths is None and any(self._revisions)

    def __call__(self, entry: BaselineEntry) -> bool:
        if not entry.revision:
            return entry.path in self._files
        return entry.revision in self._revisions or self._is_whole
