"""Files changed on disk: each whole or not at all, and but for the edits byte by byte as it was."""

import codecs
import io
import os
import re
import tempfile
import tokenize
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from safemigrate.errors import SourceError
from safemigrate.model import Migration
from safemigrate.source.editing import Edit, apply_edits
from safemigrate.source.excerpt import show_path

__all__ = ["Rewrite", "rewrite_files"]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The edits to be made in the file of a migration, by offsets into `Migration.text`."""

    migration: Migration
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class _Prepared:
    target: Path
    written: Path


def rewrite_files(rewrites: Sequence[Rewrite]) -> None:
    """Make the edits in the files.

    Line endings, encoding, byte order mark and mode stay. Every new file is written beside the old
    one before the first takes its place. Raises SourceError for a file that is not as it was read,
    or may not be written; no file is changed then.
    """
    prepared: list[_Prepared] = []
    try:
        for rewrite in rewrites:
            prepared.append(_prepare(rewrite))  # noqa: PERF401 - what stands before an error counts
        for one in prepared:
            with _translated(one.target):
                one.written.replace(one.target)
    finally:
        for one in prepared:
            # The others have taken their places.
            one.written.unlink(missing_ok=True)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into a SourceError that names the file."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, (error.strerror or type(error).__name__).lower()) from error


def _unwritable(path: Path, reason: str) -> SourceError:
    return SourceError(
        f'"{show_path(path)}" cannot be written: {reason}',
        "check who may write to the file and its directory; no file was changed half-way",
    )


def _prepare(rewrite: Rewrite) -> _Prepared:
    """Write the new content beside the file that it is for."""
    # A symbolic link stays one.
    target = Path(rewrite.migration.path).resolve()
    with _translated(target):
        data = _edit(target.read_bytes(), rewrite)
        if not os.access(target, os.W_OK):
            raise _unwritable(target, "permission denied")
        return _Prepared(target, _write_beside(target, data))


def _write_beside(target: Path, data: bytes) -> Path:
    status = target.stat()
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    written = Path(name)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123 - it is open already
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(PermissionError):
            os.chown(written, status.st_uid, status.st_gid)
        written.chmod(status.st_mode & 0o7777)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return written


def _edit(data: bytes, rewrite: Rewrite) -> bytes:
    """Return the content of the file with the edits made."""
    migration = rewrite.migration
    is_python = migration.revision is not None
    encoding = _encoding(data) if is_python else "utf-8"
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    # What cannot be decoded is not what was read either.
    raw = data.removeprefix(mark).decode(encoding, errors="replace")
    as_read = _NEWLINE.sub("\n", raw) if is_python else raw
    if as_read != migration.text:
        raise SourceError(
            f'"{show_path(migration.path)}" has changed since it was read',
            "nothing was written to it; run the command again",
        )
    text = _apply(raw, migration.text, rewrite.edits)
    try:
        return mark + text.encode(encoding)
    except UnicodeEncodeError as error:
        raise SourceError(
            f'"{show_path(migration.path)}" cannot be written in "{encoding}", as it declares',
            "nothing was written to it; save it as UTF-8",
        ) from error


_NEWLINE = re.compile("\r\n|\r|\n")


def _encoding(data: bytes) -> str:
    """Return the encoding that Python reads the file in."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        return "utf-8"
    return "utf-8" if encoding == "utf-8-sig" else encoding


def _apply(raw: str, text: str, edits: Sequence[Edit]) -> str:
    """Return the raw text with edits made whose offsets are into the text as it was read."""
    if raw == text:
        return apply_edits(text, edits)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    endings = list(_NEWLINE.finditer(raw))
    raw_starts = [0, *(match.end() for match in endings)]

    def move(offset: int) -> int:
        line = bisect_right(starts, offset) - 1
        return raw_starts[line] + offset - starts[line]

    pieces = []
    end = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        line = min(bisect_right(starts, edit.start), len(endings)) - 1
        ending = endings[line].group() if endings else "\n"
        pieces += [raw[end : move(edit.start)], edit.text.replace("\n", ending)]
        end = move(edit.end)
    return "".join([*pieces, raw[end:]])
