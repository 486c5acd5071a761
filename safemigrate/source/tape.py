"""The tape: what a revision sent, from where in its file, and in which transaction."""

import contextlib
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from safemigrate.model import NEWEST_VERSION, ServerVersion, Span
from safemigrate.source.inspection import SchemaSoFar
from safemigrate.source.places import (
    Place,
    RevisionFile,
    find_place,
    is_project_code,
    revision_line,
)
from safemigrate.source.stopping import RecordingStoppedError, TimeLimit

__all__ = ["Note", "Passage", "RecordingStoppedError", "Tape", "changes_schema", "shape_of"]

# More than any sane revision sends.
STATEMENT_LIMIT = 20_000
# The same again and again: a loop that waits for a row would go on for ever.
REPETITION_LIMIT = 1_000
TIME_LIMIT_S = 10.0

# A schema for the version table is what an env.py makes, and no table is in it then.
_CHANGES_SCHEMA = re.compile(
    r"\s*(?:ALTER|CALL|CREATE(?!\s+(?:SCHEMA|EXTENSION|ROLE)\b)|DO|DROP)\b", re.IGNORECASE
)


def changes_schema(sql: str) -> bool:
    """Return whether a statement that env.py sends by itself may change what migrations find."""
    return _CHANGES_SCHEMA.match(sql) is not None


_NUMBER = re.compile(r"(?<![\w$])\d+")


@dataclass(frozen=True, slots=True)
class Note:
    """One statement as it was sent; `transaction` is a token of the tape's, None for none.

    `helper`: as `Statement` has it.
    """

    sql: str
    span: Span
    transaction: int | None
    is_assumed: bool
    helper: str = ""


@dataclass(slots=True)
class Passage:
    """What one function of one revision sends while it runs.

    `filename`: the revision's, as its code objects have it. `text`: its content.
    `line`: where the function begins, for statements sent from where no frame leads back.
    `has_rows`: each question whose answer is not known is answered once with a row, made up.
    `look`: where the revision first looked at an answer that only a database could give.
    `looks_for_rows`: one of those was a question about rows, so that with rows it may do more.
    `inspected`: it was told what the schema is. `reads_dialect`: it asked what kind of database
    this is. `is_cut`: it was stopped, for it would not have ended.
    `origin`: where what is sent now was written, when it was queued there.
    `refused`: what it tried that the fence refused, in words, each with its line. `used`: what it
    decided by something that stands for a thing that is not here, likewise, once for each line.
    `unseen`: what it did that cannot be seen, likewise.
    """

    filename: str
    text: str
    line: int
    has_rows: bool = False
    notes: list[Note] = field(default_factory=list)
    look: Span | None = None
    looks_for_rows: bool = False
    inspected: bool = False
    reads_dialect: bool = False
    is_cut: bool = False
    origin: Place | None = None
    refused: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    _file: RevisionFile = field(init=False)
    _count: int = 0
    _last: tuple[Span, str, object] | None = None
    _repetitions: int = 0
    _changes: set[tuple[Span | None, str]] = field(default_factory=set)
    _answered: set[tuple[Span, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._file = RevisionFile(self.filename, self.text, self.line)

    @property
    def file(self) -> RevisionFile:
        """The revision's file."""
        return self._file

    @property
    def is_assuming(self) -> bool:
        """Whether what is sent from now on depends on something that is not known."""
        return self.look is not None or bool(self.used or self.refused)

    def stop(self, reason: str, line: int) -> RecordingStoppedError:
        """Return the error that ends the passage, which is cut; to be raised."""
        self.is_cut = True
        return RecordingStoppedError(f"{reason}, the rest was cut", line)

    def count(self, statements: Sequence[str], place: Place, values: object) -> None:
        """Count what is sent; raises RecordingStoppedError when there is no end to it."""
        self._count += len(statements)
        if self._count > STATEMENT_LIMIT:
            raise self.stop(f"sends more than {STATEMENT_LIMIT} statements", place.span.line)
        sent = (place.span, statements[0] if len(statements) == 1 else "", values)
        self._repetitions = self._repetitions + 1 if _is_same(sent, self._last) else 1
        self._last = sent
        if self._repetitions > REPETITION_LIMIT:
            raise self.stop(
                f"line {place.span.line} sends the same statement over and over", place.span.line
            )

    def is_first_change(self, span: Span | None, sql: str) -> bool:
        """Return whether this is new: a loop over batches ends when one changes nothing.

        It is not new where only numbers in its text, as of OFFSET, are others.
        """
        change = (span, shape_of(sql))
        is_first = change not in self._changes
        self._changes.add(change)
        return is_first

    def takes_row(self, span: Span, sql: str) -> bool:
        """Return whether this question is answered with a row, which it is once."""
        question = (span, sql)
        if not self.has_rows or question in self._answered:
            return False
        self._answered.add(question)
        return True


class Tape:
    """Takes down what recording connections send while a passage is played.

    `version`: the server that the recording pretends to be.
    `schema`: what the statements sent so far have made.
    `has_changes_outside`: the schema was changed while no passage was played, so by env.py.
    """

    def __init__(
        self, version: ServerVersion = NEWEST_VERSION, schema: SchemaSoFar | None = None
    ) -> None:
        self.version = version
        self.schema = schema or SchemaSoFar()
        self.passage: Passage | None = None
        self.has_changes_outside = False
        self._last_token = 0

    @contextlib.contextmanager
    def playing(self, passage: Passage, schema: SchemaSoFar | None = None) -> Iterator[None]:
        """Take down what is sent inside as the passage's, and end it when it takes too long.

        `schema`: a branch of the tape's own, for what is not followed by the next passage: a
        downgrade, and a second playing. By default what is sent changes the tape's own.
        """
        kept = self.schema
        self.passage, self.schema = passage, schema or kept

        def stop() -> RecordingStoppedError:
            frame = sys._getframe(2)  # noqa: SLF001 - the code that is interrupted
            line = revision_line(passage.file, frame)
            return passage.stop(f"line {line} still runs after {TIME_LIMIT_S:g} seconds", line)

        try:
            with TimeLimit(TIME_LIMIT_S, stop):
                yield
        finally:
            self.passage, self.schema = None, kept
            if schema is None:
                kept.end_passage()

    def new_transaction(self) -> int:
        """Return a token that no transaction had before."""
        self._last_token += 1
        return self._last_token

    def note(self, statements: list[tuple[str, int | None]], values: object = None) -> Span | None:
        """Take down statements sent in one go, each with its transaction.

        `values`: what was bound to them. Returns where they were sent from; None when no revision
        is running. Questions that SQLAlchemy asks of the catalog by itself are not taken down.
        """
        passage = self.passage
        if passage is None:
            self.has_changes_outside |= any(changes_schema(sql) for sql, _ in statements)
            self.schema.note(statements)
            return None
        place = self._find(passage, 1)
        passage.count([sql for sql, _ in statements], place, values)
        if not place.is_inspection:
            is_assumed = passage.is_assuming
            passage.notes += [
                Note(sql, place.span, transaction, is_assumed, place.helper)
                for sql, transaction in statements
            ]
            self.schema.note(statements, is_assumed=is_assumed)
        return place.span

    def use(self, reason: str) -> None:
        """Note that what the revision does depends on something that is not here."""
        if self.passage is None:
            return
        line = self._find(self.passage, 1).span.line
        if line not in self.passage.used.values():
            self.passage.used.setdefault(reason, line)

    def miss(self, reason: str) -> None:
        """Note that the revision does something that is not seen."""
        if self.passage is not None:
            self.passage.unseen.setdefault(reason, self._find(self.passage, 1).span.line)
            self.schema.doubt()

    def refuse(self, attempt: str) -> bool:
        """Note what the fence refused; returns whether it was a revision that tried."""
        if self.passage is None:
            return False
        self.passage.refused.setdefault(attempt, self._find(self.passage, 1).span.line)
        return True

    def locate(self) -> Place | None:
        """Return where in the revision the running code is; None when none is running."""
        return None if self.passage is None else self._find(self.passage, 1)

    def look(self, span: Span | None, *, is_about_rows: bool = False) -> None:
        """Note that the answer to what was sent from `span` was looked at, and is not known."""
        if self.passage is None or span is None:
            return
        self.passage.looks_for_rows |= is_about_rows
        if self.passage.look is None:
            self.passage.look = span

    def is_first_change(self, span: Span | None, sql: str) -> bool:
        """Return whether this change, sent from `span`, is new to the passage."""
        return self.passage is None or self.passage.is_first_change(span, sql)

    def takes_row(self, span: Span | None, sql: str) -> bool:
        """Return whether the question sent from `span` is to be answered with a row, made up."""
        return self.passage is not None and span is not None and self.passage.takes_row(span, sql)

    def read_dialect(self, filename: str) -> bool:
        """Note that code of that file asked which kind of database this is.

        Returns whether it is the project's own code.
        """
        if self.passage is None:
            return False
        is_own = filename == self.passage.filename or is_project_code(filename)
        self.passage.reads_dialect |= is_own
        return is_own

    @staticmethod
    def _find(passage: Passage, depth: int) -> Place:
        if passage.origin is not None:
            return passage.origin
        return find_place(passage.file, depth + 1)


def shape_of(sql: str) -> str:
    """Return the text without its numbers."""
    return _NUMBER.sub("0", sql)


def _is_same(sent: tuple[Span, str, object], last: tuple[Span, str, object] | None) -> bool:
    if last is None or not sent[1] or sent[:2] != last[:2]:
        return False
    if sent[2] is last[2]:
        return True
    try:
        return bool(sent[2] == last[2])
    except Exception:  # noqa: BLE001 - values of the project may not like to be compared
        return False
