"""A revision runs again, along what an earlier run has done of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from safemigrate.execute.refusal import CannotResumeError
from safemigrate.execute.resume.describing import describe_statement
from safemigrate.execute.resume.fingerprints import Fingerprint
from safemigrate.journal import StatementRow
from safemigrate.source.statement_text import first_keyword

__all__ = ["Place", "Replay"]

_ROW_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "SELECT"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a revision is.

    `commits`: how often it has asked for a commit. `has_looked`: it was given rows of the
    catalog, so that it may go another way than before. `has_read`: rows of tables.
    """

    commits: int
    has_looked: bool = False
    has_read: bool = False


class Replay:
    """Tells, for each statement in turn, whether an earlier run has done it.

    A revision that reads nothing has to send what it sent before, in the same order. One that
    reads may go another way, because what is done shows in what it reads: what it does not send
    again is taken for done, up to the commit behind it. What it sends there without having sent it
    before stops the run, for whether it is still to be done nobody knows.

    `rows`: in order. `digest`: of the revision's file as it is now.
    """

    def __init__(self, revision: str, rows: Sequence[StatementRow], digest: str) -> None:
        self._revision = revision
        self._rows = rows
        self._position = 0
        self._is_unchanged = all(row.digest == digest for row in rows)
        self._counts = Counter(Fingerprint.read(row.fingerprint).words for row in rows)

    @property
    def last_ordinal(self) -> int:
        """The highest number of a statement that is done or begun."""
        return max((row.ordinal for row in self._rows), default=0)

    @property
    def last_segment(self) -> int:
        """The highest number of a segment of which something is done or begun."""
        return max((row.segment for row in self._rows), default=0)

    def find(self, mark: Fingerprint, sql: str, place: Place) -> StatementRow | None:
        """Return the row of the statement that is sent next, None when it is still to be done.

        Raises CannotResumeError when it is neither.
        """
        rest = self._rows[self._position :]
        here = [row for row in rest if row.commits == place.commits]
        if not self._may_differ(place):
            return self._find_next(here, mark, sql, place)
        for skipped, row in enumerate(here):
            if self._matches(row, mark, place):
                self._refuse_loop(row, place)
                self._position += skipped + 1
                return row
        if self._is_whole(place.commits):
            raise self._differs(next(iter(here), None), sql)
        return None

    def commit(self, place: Place) -> None:
        """Go on behind a commit. Raises CannotResumeError when something done was not sent."""
        left = [row for row in self._rows[self._position :] if row.commits <= place.commits]
        if left and not self._may_differ(place):
            raise self._differs(left[0], "")
        self._position += len(left)

    def end(self, place: Place) -> None:
        """Come to the end of the revision; as `commit`."""
        left = self._rows[self._position :]
        if left and not self._may_differ(place):
            raise self._differs(left[0], "")

    def _may_differ(self, place: Place) -> bool:
        return self._is_unchanged and (place.has_looked or place.has_read)

    def _find_next(
        self, here: Sequence[StatementRow], mark: Fingerprint, sql: str, place: Place
    ) -> StatementRow | None:
        if not here:
            if self._is_whole(place.commits):
                raise self._differs(None, sql)
            return None
        if not self._matches(here[0], mark, place):
            raise self._differs(here[0], sql)
        self._position += 1
        return here[0]

    def _matches(self, row: StatementRow, mark: Fingerprint, place: Place) -> bool:
        known = Fingerprint.read(row.fingerprint)
        if known.words != mark.words:
            return False
        # the same code that reads no rows can have other values by a clock or by chance alone
        return known.values == mark.values or (self._is_unchanged and not place.has_read)

    def _is_whole(self, commits: int) -> bool:
        """Return whether all that stands between these two commits is done."""
        if not self._rows:
            return False
        last = self._rows[-1]
        return commits < last.commits or (commits == last.commits and not last.is_autocommit)

    def _refuse_loop(self, row: StatementRow, place: Place) -> None:
        """Raise for a statement of which nobody knows how often it is still to be done."""
        words = Fingerprint.read(row.fingerprint).words
        if not place.has_read or self._counts[words] == 1:
            return
        if first_keyword(row.sql) not in _ROW_CHANGES:
            return
        raise CannotResumeError(
            f'revision "{self._revision}" was cut off after statement {row.ordinal}, which it '
            "sends several times by what it reads, so that nobody knows how often it is still to "
            f"be done: {describe_statement(row)}",
            self._ways_out("if it may run again from its beginning"),
        )

    def _differs(self, row: StatementRow | None, sql: str) -> CannotResumeError:
        done = f"of {self._rows[-1].ordinal} that are done" if self._rows else ""
        if row is None:
            message = (
                f'revision "{self._revision}" is half done, and now sends what was not sent before '
                f"among the statements {done}: {describe_statement(sql)}"
            )
        else:
            now = f"now it sends {describe_statement(sql)}" if sql else "now it does not send it"
            message = (
                f'revision "{self._revision}" is half done, and is not the same any more: '
                f"statement {row.ordinal} {done} was {describe_statement(row)}; {now}"
            )
        return CannotResumeError(
            message, self._ways_out("if what is done was undone, or may be done again")
        )

    def _ways_out(self, condition: str) -> str:
        return (
            "let the revision begin as it did when it was cut off, and change what comes after; "
            f"or, {condition}, `safemigrate resolve {self._revision} --forget --reason …`; "
            "`safemigrate status` shows what is done"
        )
