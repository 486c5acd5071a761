"""The tape: what a revision sent, from where in its file, and in which transaction."""

import re
import sys
from dataclasses import dataclass, field
from itertools import islice
from types import CodeType, FrameType

from sqlalchemy.dialects.postgresql import base as postgresql_base

from safemigrate.model import NEWEST_VERSION, ServerVersion, Span

__all__ = ["Note", "Passage", "RecordingStoppedError", "Tape"]

# More than any sane revision sends; a loop that waits for a row would go on for ever.
STATEMENT_LIMIT = 20_000

# A schema for the version table is what an env.py makes, and no table is in it then.
_CHANGES_SCHEMA = re.compile(
    r"\s*(?:ALTER|CALL|CREATE(?!\s+(?:SCHEMA|EXTENSION|ROLE)\b)|DO|DROP)\b", re.IGNORECASE
)


class RecordingStoppedError(BaseException):
    """Ends a revision that never would; no `except Exception` of its own may catch it."""


@dataclass(frozen=True, slots=True)
class Note:
    """One statement as it was sent; `transaction` is a token of the tape's, None for none."""

    sql: str
    span: Span
    transaction: int | None
    is_assumed: bool


@dataclass(slots=True)
class Passage:
    """What one function of one revision sends while it runs.

    `filename`: the revision's, as its code objects have it. `text`: its content.
    `line`: where the function begins, for statements sent from where no frame leads back.
    `look`: where the revision first looked at an answer that only a database could give.
    `origin`: where what is sent now was written, when it was queued there.
    """

    filename: str
    text: str
    line: int
    notes: list[Note] = field(default_factory=list)
    look: Span | None = None
    origin: Span | None = None
    count: int = 0
    changes: set[str] = field(default_factory=set)
    _lines: list[str] | None = None

    @property
    def is_cut(self) -> bool:
        """Whether it sent more than the tape takes."""
        return self.count > STATEMENT_LIMIT

    def characters(self, line: int, byte: int) -> int:
        """Return the 1-based column of a 0-based UTF-8 byte offset into a line."""
        if self.text.isascii():
            return byte + 1
        if self._lines is None:
            self._lines = self.text.split("\n")
        if not 0 < line <= len(self._lines):
            return byte + 1
        return len(self._lines[line - 1].encode()[:byte].decode(errors="ignore")) + 1


class Tape:
    """Takes down what recording connections send while a passage is played.

    `version`: the server that the recording pretends to be.
    `has_changes_outside`: the schema was changed while no passage was played, so by env.py.
    """

    def __init__(self, version: ServerVersion = NEWEST_VERSION) -> None:
        self.version = version
        self.passage: Passage | None = None
        self.has_changes_outside = False
        self._last_token = 0

    def new_transaction(self) -> int:
        """Return a token that no transaction had before."""
        self._last_token += 1
        return self._last_token

    def note(self, statements: list[tuple[str, int | None]]) -> Span | None:
        """Take down statements sent in one go, each with its transaction.

        Returns where they were sent from; None when no revision is running.
        Questions that SQLAlchemy asks of the catalog by itself are not taken down.
        """
        passage = self.passage
        if passage is None:
            self.has_changes_outside |= any(_CHANGES_SCHEMA.match(sql) for sql, _ in statements)
            return None
        passage.count += len(statements)
        if passage.count > STATEMENT_LIMIT:
            raise RecordingStoppedError(
                f"sends more than {STATEMENT_LIMIT} statements, the rest was cut"
            )
        span, is_inspection = self._find(passage)
        if not is_inspection:
            is_assumed = passage.look is not None
            passage.notes += [
                Note(sql, span, transaction, is_assumed) for sql, transaction in statements
            ]
        return span

    def locate(self) -> Span | None:
        """Return where in the revision the running code is; None when none is running."""
        return None if self.passage is None else self._find(self.passage)[0]

    def look(self, span: Span | None) -> None:
        """Note that the answer to what was sent from `span` was looked at."""
        if self.passage is not None and self.passage.look is None and span is not None:
            self.passage.look = span

    def is_first_change(self, sql: str) -> bool:
        """Return whether this text is new to the passage.

        A loop that changes rows in batches ends when a batch changes none.
        """
        if self.passage is None:
            return True
        is_first = sql not in self.passage.changes
        self.passage.changes.add(sql)
        return is_first

    def _find(self, passage: Passage) -> tuple[Span, bool]:
        """Return the innermost place in the revision's file, and whether SQLAlchemy inspects."""
        is_inspection = False
        frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the public ways build the whole stack
        while frame is not None:
            code = frame.f_code
            if code.co_filename == passage.filename:
                span = passage.origin or self._span(passage, code, frame.f_lasti, frame.f_lineno)
                return span, is_inspection
            if code.co_filename == _DIALECT_FILE and code.co_qualname.startswith("PGDialect."):
                is_inspection = True
            frame = frame.f_back
        return Span(passage.line, 1, passage.line, 1), is_inspection

    @staticmethod
    def _span(passage: Passage, code: CodeType, instruction: int, line: int) -> Span:
        # two bytes an instruction; https://docs.python.org/3/reference/datamodel.html#codeobject.co_positions
        found = next(islice(code.co_positions(), instruction // 2, None), (None,) * 4)
        start, end, column, end_column = found
        if start is None or end is None or column is None or end_column is None:
            return Span(line, 1, line, 1)
        return Span(
            start,
            passage.characters(start, column),
            end,
            passage.characters(end, end_column),
        )


_DIALECT_FILE = postgresql_base.__file__
