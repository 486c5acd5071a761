"""Each statement is written down as it is done, and not done twice."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy.engine import Connection

from safemigrate.execute.conducting import Sent, StatementEffort
from safemigrate.execute.failures import is_refused
from safemigrate.execute.outcome import describe_blocker
from safemigrate.execute.refusal import CannotResumeError
from safemigrate.execute.resume.doubt import Doubts
from safemigrate.execute.resume.fingerprints import Fingerprint, fingerprint_of
from safemigrate.execute.resume.kinds import Control, Kind, control_of, kind_of, reads_rows
from safemigrate.execute.resume.replay import Place, Replay
from safemigrate.execute.resume.roles import keep_role, may_change_role
from safemigrate.execute.surroundings import Surroundings
from safemigrate.journal import (
    Attempt,
    DoneStatement,
    Run,
    StatementRow,
    StatementState,
    finish_statement,
    send_unseen,
    translated,
    write_end,
    write_statements,
)

__all__ = ["StatementLog", "Way"]

Way = Callable[[Sent], None]

# Drivers that ask the session whether it is in a transaction before they send a statement.
_BEGIN_AGAIN = frozenset({"psycopg", "psycopg_async"})


@dataclass(frozen=True, slots=True)
class _Note:
    """A statement that is being done; the times are the clock's."""

    done: DoneStatement
    effort: StatementEffort
    started: float
    ended: float | None = None


class StatementLog:
    """Knows what of the revision in hand is done, and writes down what is.

    It is open from the first statement of an attempt to the last, and lets pass what is sent at
    other times, and on other connections than that of the migrations.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._doubts = Doubts(surroundings)
        self._run: Run | None = None
        self._connection: Connection | None = None
        self._replay = Replay("", (), "")
        self._place = Place(0)
        self._notes: list[_Note] = []
        self._savepoints: dict[str, int] = {}
        self._ordinal = 0
        self._segment = 0
        self._unit: tuple[int, int] = (-1, 0)
        self._refusal: CannotResumeError | None = None
        self._may_have_other_role = False
        self._has_ended = False
        self._efforts: list[StatementEffort] = []
        self._attempt_began = 0

    @property
    def stalled(self) -> timedelta:
        """For how long others may have had to wait behind the revision's statements."""
        return timedelta(seconds=sum(effort.stalled for effort in self._efforts))

    @property
    def waited(self) -> timedelta:
        """For how long the statements of the attempt in hand, or the last one, have waited."""
        efforts = self._efforts[self._attempt_began :]
        return timedelta(seconds=sum(effort.waited for effort in efforts))

    @property
    def blockers(self) -> tuple[str, ...]:
        """Whom the revision's statements have waited for, each once, in words."""
        blockers = (blocker for effort in self._efforts for blocker in effort.blockers)
        return tuple(dict.fromkeys(map(describe_blocker, blockers)))

    def begin_revision(self) -> None:
        """Forget what the last revision has cost."""
        self._efforts.clear()
        self._attempt_began = 0

    def begin_attempt(self) -> None:
        """Be told that an attempt begins; the time of those before it is counted elsewhere."""
        self._attempt_began = len(self._efforts)

    def open(self, connection: Connection, run: Run, rows: Sequence[StatementRow]) -> None:
        """Begin an attempt; `rows`: what of the revision is done, or begun, in order."""
        self._run = run
        self._connection = connection
        self._replay = Replay(run.revision, rows, run.digest)
        self._place = Place(0)
        self._notes.clear()
        self._savepoints.clear()
        self._ordinal = self._replay.last_ordinal
        self._segment = self._replay.last_segment
        self._unit = (-1, 0)
        self._refusal = None
        self._may_have_other_role = False
        self._has_ended = False

    def finish(self, connection: Connection, attempt: Attempt) -> None:
        """Write down the rest and the attempt, in the connection's transaction, and close.

        Raises CannotResumeError when something that is done was not sent.
        """
        self._check()
        self._replay.end(self._place)
        if self._run is None:
            return
        with translated(connection), self._keep_role(connection):
            if self.is_outside(connection):
                # the entry and the version are one
                send_unseen(connection, "BEGIN")
            write_end(connection, self._run, [self._tell(one) for one in self._notes], attempt)
        self.close()

    def close(self) -> None:
        """Let everything pass."""
        self._run = None
        self._connection = None
        self._notes.clear()

    def carry(self, sent: Sent, way: Way) -> None:
        """Take the statement its way to the server, unless it is done."""
        run = self._run
        if run is None or sent.connection is not self._connection:
            way(sent)
            return
        self._check()
        self._efforts.append(sent.effort)
        kind = kind_of(sent.sql, sent.foreseen)
        self._may_have_other_role = self._may_have_other_role or may_change_role(sent.sql)
        if kind is Kind.FREE:
            self._send_free(sent, way)
            return
        mark = fingerprint_of(sent.sql, sent.parameters)
        try:
            row = self._find(mark, sent, run)
            if row is not None and row.state is StatementState.DONE:
                sent.pretend(row.row_count)
                return
        except CannotResumeError as refusal:
            # a revision may catch what it likes, and shall not go on for all that
            self._refusal = refusal
            raise
        self._do(run, sent, kind, way, self._note(mark, sent, row))

    def is_outside(self, connection: Connection) -> bool:
        """Return whether each statement commits itself though the connection is in a transaction.

        So it does after a COMMIT sent as SQL, of which psycopg2 and asyncpg do not hear.
        """
        return (
            self._has_ended
            and connection is self._connection
            and connection.dialect.driver not in _BEGIN_AGAIN
            and not _is_in_transaction(connection)
        )

    def commit(self, connection: Connection, *, is_autocommit: bool) -> None:
        """Be told that SQLAlchemy is about to commit, and write down what was done."""
        if self._run is None or connection is not self._connection:
            return
        self._check()
        try:
            self._replay.commit(self._place)
        except CannotResumeError as refusal:
            self._refusal = refusal
            raise
        if not is_autocommit:
            self._write(connection)
        self._place = replace(self._place, commits=self._place.commits + 1)
        self._has_ended = False

    def rollback(self, connection: Connection) -> None:
        """Be told that what the transaction did is undone."""
        if connection is self._connection:
            self._notes.clear()
            self._savepoints.clear()
            self._has_ended = False

    def save(self, connection: Connection, name: str) -> None:
        """Be told of a savepoint."""
        if connection is self._connection:
            self._savepoints[name] = len(self._notes)

    def roll_back_to(self, connection: Connection, name: str) -> None:
        """Be told that what was done since the savepoint is undone."""
        if connection is self._connection:
            del self._notes[self._savepoints.get(name, 0) :]

    def _check(self) -> None:
        if self._refusal is not None:
            raise self._refusal

    def _find(self, mark: Fingerprint, sent: Sent, run: Run) -> StatementRow | None:
        """Return its row where it is done, or was begun and has left no doubt of not being done."""
        row = self._replay.find(mark, sent.sql, self._place)
        if row is None or row.state is StatementState.DONE or self._connection is None:
            return row
        is_done = self._doubts.settle(row, sent)
        state = StatementState.DONE if is_done else StatementState.RESOLVED
        effort = StatementEffort()
        note = self._note(mark, sent, row)
        with translated(self._connection), self._keep_role(self._connection):
            finish_statement(self._connection, run, self._describe(note, effort, -1), state)
        return replace(row, state=state)

    def _send_free(self, sent: Sent, way: Way) -> None:
        control = Control.NONE if sent.is_autocommit else control_of(sent.sql)
        if control is Control.COMMIT:
            # SQLAlchemy will not tell of it
            self.commit(sent.connection, is_autocommit=False)
        way(sent)
        if control is Control.ROLLBACK:
            self.rollback(sent.connection)
        self._has_ended = self._has_ended or control is not Control.NONE
        self._note_reading(sent)

    def _note_reading(self, sent: Sent) -> None:
        if getattr(sent.cursor, "description", None):
            place = self._place
            has_read = place.has_read or reads_rows(sent.foreseen)
            self._place = Place(place.commits, has_looked=True, has_read=has_read)

    def _do(self, run: Run, sent: Sent, kind: Kind, way: Way, note: _Note) -> None:
        if not sent.is_autocommit and control_of(sent.sql) is Control.MIXED:
            # a part of it commits what was done before, and its row
            self._write(sent.connection)
            self._do_alone(run, sent, way, note)
            self._has_ended = True
        elif not sent.is_autocommit:
            way(sent)
            self._notes.append(self._end(note, sent))
        elif kind is Kind.ALONE:
            self._do_alone(run, sent, way, note)
        else:
            together = partial(self._send_together, run, sent, note)
            way(replace(sent, send=together))

    def _do_alone(self, run: Run, sent: Sent, way: Way, note: _Note) -> None:
        """Do what can be in no transaction, with a row before it and a change of that after it."""
        connection = sent.connection
        begun = self._describe(note, note.effort, -1)
        with self._keep_role(connection):
            write_statements(connection, run, [begun], StatementState.BEGUN)
        try:
            way(sent)
        except Exception as error:
            if is_refused(error) and control_of(sent.sql) is not Control.MIXED:
                with suppress(Exception), self._keep_role(connection):
                    finish_statement(connection, run, begun, StatementState.RESOLVED)
            raise
        ended = self._end(note, sent)
        is_outside = not _is_in_transaction(connection)
        with self._keep_role(connection):
            finish_statement(connection, run, self._tell(ended), StatementState.DONE)
        if is_outside and _is_in_transaction(connection):
            # what the driver began for it is no part of what the revision does next
            send_unseen(connection, "COMMIT")

    def _send_together(self, run: Run, sent: Sent, note: _Note) -> None:
        """Send a statement that commits itself in one transaction with its row."""
        connection = sent.connection
        is_ours = not _is_in_transaction(connection)
        if is_ours:
            send_unseen(connection, "BEGIN")
        try:
            sent.send()
            with self._keep_role(connection):
                write_statements(connection, run, [self._tell(self._end(note, sent))])
            if is_ours:
                send_unseen(connection, "COMMIT")
        except BaseException:
            if is_ours:
                # where the session is gone there is nothing to roll back
                with suppress(Exception):
                    send_unseen(connection, "ROLLBACK")
            raise

    def _write(self, connection: Connection) -> None:
        if not self._notes or self._run is None:
            return
        with translated(connection), self._keep_role(connection):
            write_statements(connection, self._run, map(self._tell, self._notes))
        self._notes.clear()
        self._savepoints.clear()

    def _keep_role(self, connection: Connection) -> Any:
        role = self._surroundings.site.role
        return keep_role(connection, role, may_differ=self._may_have_other_role)

    def _note(self, mark: Fingerprint, sent: Sent, row: StatementRow | None) -> _Note:
        """Return the note of a statement that begins now; `row`: where it was begun before."""
        commits_itself = sent.is_autocommit or control_of(sent.sql) is Control.MIXED
        if row is None:
            self._ordinal += 1
            # each statement outside of a transaction is a segment of its own
            unit = (self._place.commits, self._ordinal if commits_itself else 0)
            self._segment += unit != self._unit
            self._unit = unit
        effort = sent.effort
        done = DoneStatement(
            ordinal=self._ordinal if row is None else row.ordinal,
            segment=self._segment if row is None else row.segment,
            commits=self._place.commits,
            is_autocommit=commits_itself,
            fingerprint=str(mark),
            sql=sent.sql,
            lock=_strongest_lock(sent),
            row_count=-1,
            started=timedelta(),
            ended=None,
        )
        return _Note(done, effort, self._surroundings.now())

    def _end(self, note: _Note, sent: Sent) -> _Note:
        count = getattr(sent.cursor, "rowcount", -1)
        done = replace(note.done, row_count=count if isinstance(count, int) else -1)
        return replace(note, done=done, ended=self._surroundings.now())

    def _tell(self, note: _Note) -> DoneStatement:
        return self._describe(note, note.effort, note.done.row_count)

    def _describe(self, note: _Note, effort: StatementEffort, row_count: int) -> DoneStatement:
        now = self._surroundings.now()
        return replace(
            note.done,
            row_count=row_count,
            started=timedelta(seconds=now - note.started),
            ended=None if note.ended is None else timedelta(seconds=now - note.ended),
            attempts=effort.attempts,
            waited=timedelta(seconds=effort.waited),
            stalled=timedelta(seconds=effort.stalled),
            blockers=tuple(map(describe_blocker, effort.blockers)),
        )


def _strongest_lock(sent: Sent) -> str:
    if sent.foreseen is None:
        return ""
    modes = [lock.mode for lock in sent.foreseen.facts.locks if lock.is_preexisting]
    return max(modes).value if modes else ""


def _is_in_transaction(connection: Connection) -> bool:
    """Return whether the server's session is in a transaction, whoever began it."""
    driven: Any = connection.connection.driver_connection
    if connection.dialect.driver == "asyncpg":
        return bool(driven.is_in_transaction())
    # psycopg and psycopg2 have the same status in the same place; 0 is idle
    return int(driven.info.transaction_status) != 0
