"""Where the code that runs now stands in a revision's file, and in the project around it."""

import site
import sys
import sysconfig
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType

import alembic
import sqlalchemy
from sqlalchemy.dialects.postgresql import base as postgresql_base

from safemigrate.model import Span
from safemigrate.source.excerpt import show_path

__all__ = ["Place", "RevisionFile", "find_place", "is_project_code", "revision_line"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was sent from.

    `span`: the innermost place in the revision's file. `helper`: "path:line" of the innermost place
    of the project's own code that lies deeper, empty where there is none.
    `is_inspection`: SQLAlchemy asks by itself, to look at the catalog.
    """

    span: Span
    helper: str = ""
    is_inspection: bool = False


@dataclass(slots=True)
class RevisionFile:
    """The file of a revision: as its code objects name it, and its text.

    `line`: where the function begins, for what is sent from where no frame leads back.
    """

    filename: str
    text: str
    line: int
    _lines: list[str] | None = None
    # by the identity of the code object, which `_codes` keeps alive
    _spans: dict[tuple[int, int], Span] = field(default_factory=dict)
    _codes: list[CodeType] = field(default_factory=list)

    def span_of(self, frame: FrameType) -> Span:
        """Return the expression that the frame evaluates now, as far as it is known."""
        code, instruction = frame.f_code, frame.f_lasti
        span = self._spans.get((id(code), instruction))
        if span is None:
            span = self._read_span(code, instruction, frame.f_lineno)
            self._codes.append(code)
            self._spans[id(code), instruction] = span
        return span

    def _read_span(self, code: CodeType, instruction: int, line: int) -> Span:
        # two bytes an instruction; https://docs.python.org/3/reference/datamodel.html#codeobject.co_positions
        found = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
        start, end, column, end_column = found
        if start is None or end is None or column is None or end_column is None:
            return Span(line, 1, line, 1)
        return Span(start, self._characters(start, column), end, self._characters(end, end_column))

    def _characters(self, line: int, byte: int) -> int:
        """Return the 1-based column of a 0-based UTF-8 byte offset into a line."""
        if self.text.isascii():
            return byte + 1
        if self._lines is None:
            self._lines = self.text.split("\n")
        if not 0 < line <= len(self._lines):
            return byte + 1
        return len(self._lines[line - 1].encode()[:byte].decode(errors="ignore")) + 1


def find_place(file: RevisionFile, depth: int) -> Place:
    """Return where the caller's code stands; `depth`: how many callers to leave out."""
    helper = ""
    is_inspection = False
    frame: FrameType | None = sys._getframe(depth + 1)  # noqa: SLF001 - the public ways build the whole stack
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename == file.filename:
            return Place(file.span_of(frame), helper, is_inspection)
        owner = _owner_of(filename)
        if owner is _PROJECT and not helper:
            helper = f"{_shown(filename)}:{frame.f_lineno}"
        elif owner is _DIALECT:
            is_inspection |= frame.f_code.co_qualname.startswith("PGDialect.")
        frame = frame.f_back
    return Place(Span(file.line, 1, file.line, 1), helper, is_inspection)


def revision_line(file: RevisionFile, frame: FrameType | None) -> int:
    """Return the line of the file that the frame, or the innermost of its callers in it, runs."""
    while frame is not None:
        if frame.f_code.co_filename == file.filename:
            return frame.f_lineno
        frame = frame.f_back
    return file.line


def is_project_code(filename: str) -> bool:
    """Return whether the code is the project's own: of no package, Python, safemigrate or env.py.

    A revision is the project's own code, too.
    """
    return _owner_of(filename) is _Owner.PROJECT


class _Owner(Enum):
    PROJECT = "project"
    DIALECT = "dialect"
    OTHER = "other"


# asked for in every frame, and an enum gives its members slowly
_PROJECT, _DIALECT = _Owner.PROJECT, _Owner.DIALECT
_DIALECT_FILE = postgresql_base.__file__
_PACKAGES = frozenset({"site-packages", "dist-packages"})


@cache
def _owner_of(filename: str) -> _Owner:
    if filename == _DIALECT_FILE:
        return _Owner.DIALECT
    path = Path(filename)
    if filename.startswith("<") or path.name == "env.py" or not _PACKAGES.isdisjoint(path.parts):
        return _Owner.OTHER
    if any(path.is_relative_to(folder) for folder in _foreign_folders()):
        return _Owner.OTHER
    return _Owner.PROJECT


@cache
def _foreign_folders() -> tuple[Path, ...]:
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    found = {sysconfig.get_path(name) for name in names} | {*site.getsitepackages()}
    # they may be elsewhere, on a path of their own
    tools = [Path(module.__file__ or "").parent for module in (alembic, sqlalchemy)]
    own = Path(__file__).parents[1]
    return (own, *tools, *(Path(folder) for folder in found if folder))


@cache
def _shown(filename: str) -> str:
    return show_path(filename)
