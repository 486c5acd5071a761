"""Files read as text, what is said of one that is none, and lines and columns in one."""

import ast
import io
import re
import tokenize
import warnings
from bisect import bisect_right
from pathlib import Path

from safemigrate.errors import RevisionError, SafemigrateError, SourceError
from safemigrate.model import Span
from safemigrate.source.excerpt import show_path

__all__ = ["LineIndex", "parse_python", "read_revision", "read_text", "split_lines"]

_LINE_END = re.compile(r"\r\n|\r|\n")


def split_lines(text: str) -> list[str]:
    """Return the lines of a text, without their ends, as `LineIndex` counts them."""
    return _LINE_END.split(text)


class LineIndex:
    """Character offsets into a text as lines and columns, both 1-based.

    Every kind of line ending ends a line, as the text counts them that libpq shows for an error.
    `starts`: the offset that each line begins at.
    """

    def __init__(self, text: str) -> None:
        self.starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def span(self, start: int, end: int) -> Span:
        """Return the span between two offsets, the end exclusive."""
        return Span(*self.place(start), *self.place(end))

    def line(self, offset: int) -> int:
        """Return the line that an offset is on."""
        return bisect_right(self.starts, offset)

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset."""
        line = self.line(offset)
        return line, offset - self.starts[line - 1] + 1

    def start(self, line: int) -> int:
        """Return the offset that a line begins at."""
        return self.starts[line - 1]


def parse_python(text: str) -> ast.Module:
    """Return the tree of a revision; raises what Python raises for a text that is none."""
    # What Python has to say about the escapes in a revision, it says when it runs it.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def read_text(path: Path, *, error: type[SafemigrateError] = SourceError) -> str:
    """Return the text of a file in UTF-8, without the byte order mark some editors put in front.

    Line endings stay as they are. Raises `error`, which names the byte that cannot be decoded,
    counted from 1.
    """
    return _decode(_read(path, error), "utf-8", path, error)


def read_revision(path: Path) -> str:
    """Return the text of a revision file, in UTF-8 or the encoding that it declares.

    As Python reads source, every kind of line ending is one. Raises RevisionError, also for what
    Python itself lets pass, in comments.
    """
    data = _read(path, RevisionError)
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        # what is wrong with a declaration Python says when it loads the file
        encoding = "utf-8"
    text = _decode(data, encoding, path, RevisionError)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read(path: Path, error: type[SafemigrateError]) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        reason = (cause.strerror or type(cause).__name__).lower()
        raise error(
            f'"{show_path(path)}" cannot be read: {reason}',
            "check the path, and who may read what is there",
        ) from cause


def _decode(data: bytes, encoding: str, path: Path, error: type[SafemigrateError]) -> str:
    is_utf8 = encoding.startswith("utf-8")
    try:
        # Python's own "utf-8-sig" counts bytes from behind the mark
        return data.decode("utf-8" if is_utf8 else encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as cause:
        expected = "UTF-8" if is_utf8 else f'in the "{encoding}" that it declares'
        raise error(
            f'"{show_path(path)}" is not {expected}: byte {cause.start + 1} cannot be decoded',
            "save the file as UTF-8",
        ) from cause
