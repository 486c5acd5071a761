"""Files that a command writes."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from safemigrate.errors import UsageError

__all__ = ["FileChange", "write_changes", "write_file"]


def write_file(path: Path, text: str) -> None:
    """Write a text as UTF-8, over what is there; raises UsageError when that cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(
            f'"{path}" cannot be written: {reason}', "name a file in a folder that can be written"
        ) from error


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file to be written; `before` is all it has now, None when it is not there."""

    path: Path
    before: bytes | None
    after: bytes


def write_changes(changes: Sequence[FileChange]) -> None:
    """Write the files, each whole or not at all, after all of them have been written beside.

    Folders that are not there are made; modes and symbolic links stay. Raises UsageError when one
    cannot be written, or is not as it was read.
    """
    prepared: list[tuple[Path, Path]] = []
    made: list[Path] = []
    is_done = False
    try:
        for change in changes:
            target = change.path.resolve()
            with _translated(change.path):
                _make_folder(target.parent, made)
                prepared.append((_write_beside(target, change), target))
        for change, (written, target) in zip(changes, prepared, strict=True):
            with _translated(change.path):
                _check_same(change, target)
                written.replace(target)
        is_done = True
    finally:
        for written, _ in prepared:
            # The others have taken their places.
            written.unlink(missing_ok=True)
        for folder in reversed(() if is_done else made):
            with suppress(OSError):
                # One that has got a file stays.
                folder.rmdir()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(
            f'"{path}" cannot be written: {reason}',
            "check who may write there; no file was changed half-way, run it again afterwards",
        ) from error


def _make_folder(folder: Path, made: list[Path]) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent, made)
    folder.mkdir()
    made.append(folder)


def _write_beside(target: Path, change: FileChange) -> Path:
    """Return the file beside the target that holds the new content, with the target's mode."""
    written = target.parent / f".{target.name}.{secrets.token_hex(4)}.new"
    try:
        with written.open("xb") as file:
            file.write(change.after)
        if change.before is not None:
            with target.open("r+b"):
                # a folder that may be written does not make a file one
                pass
            written.chmod(target.stat().st_mode & 0o7777)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return written


def _check_same(change: FileChange, target: Path) -> None:
    """Raise UsageError for a file that somebody else has written meanwhile."""
    now = target.read_bytes() if target.exists() else None
    if now != change.before:
        raise UsageError(
            f'"{change.path}" has changed since it was read',
            "nothing was written to it; run the command again",
        )
