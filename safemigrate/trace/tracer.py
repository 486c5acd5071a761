"""The tracer: what each statement of a revision newly locks, rewrites, scans and changes."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any

from safemigrate.model import Direction, ObservedStatement
from safemigrate.trace.changes import Changes, find_changes
from safemigrate.trace.commands import (
    is_transaction_end,
    is_transaction_start,
    is_truncation,
    runs_in_transaction,
)
from safemigrate.trace.counts import SESSION_COUNTS, Counts, read_counts
from safemigrate.trace.looks import Look, look
from safemigrate.trace.relations import Relation, read_relations
from safemigrate.trace.sessions import Connection, DriverSession, TransactionState
from safemigrate.trace.unbound import UnboundTrace

__all__ = ["Tracer"]


class _Way(Enum):
    """How a statement can be observed."""

    INSIDE = auto()  # in a transaction of the session's own
    WRAPPED = auto()  # in a transaction that the tracer puts around it
    OUTSIDE = auto()  # from a second session
    BLIND = auto()  # it begins or mends a transaction: only the state after it counts


@dataclass(slots=True)
class _Pending:
    """A statement on its way."""

    sql: str
    way: _Way
    path: str
    line: int
    transaction: int = 0
    started: float = 0.0
    unbound: UnboundTrace | None = None


@dataclass(slots=True)
class _Passage:
    """One revision in one direction, as far as it has come."""

    revision: str | None
    direction: Direction
    preexisting: Mapping[int, Relation]
    current: dict[int, Relation]
    look: Look | None = None
    counts: dict[int, Counts] = field(default_factory=dict)
    transaction: str = ""
    transaction_number: int = 0
    is_broken: bool = False
    pending: _Pending | None = None
    statements: list[ObservedStatement] = field(default_factory=list)

    def learn(self, relations: Mapping[int, Relation]) -> None:
        """Take over names and files as they are now; a look does not tell who owns a sequence."""
        for oid, relation in relations.items():
            known = self.current.get(oid)
            table = relation.table or (0 if known is None else known.table)
            self.current[oid] = replace(relation, table=table)


class Tracer:
    """Observes the statements of one session at a time: `begin`, (`before`, `after`)…, `end`."""

    def __init__(self, second: Connection, clock: Callable[[], float] = time.perf_counter) -> None:
        """`second`: another session on the same database, in autocommit mode and otherwise idle.

        `clock` counts seconds, from anywhere.
        """
        self._second = second
        self._clock = clock
        self._passage: _Passage | None = None

    @property
    def has_pending(self) -> bool:
        """Whether a statement was sent and has not come back."""
        return self._passage is not None and self._passage.pending is not None

    def begin(self, revision: str | None = None, direction: Direction = Direction.UPGRADE) -> None:
        """Begin a revision: what is committed now is what was there before it."""
        relations = read_relations(self._ask_second)
        self._passage = _Passage(revision, direction, relations, dict(relations))

    def end(self) -> tuple[ObservedStatement, ...]:
        """Return the statements observed since `begin`."""
        passage, self._passage = self._current(), None
        if passage.pending is not None and passage.pending.unbound is not None:
            # interrupted from outside, so that nobody said how the statement ended
            passage.pending.unbound.abandon()
        return tuple(passage.statements)

    def before(self, session: DriverSession, sql: str, *, path: str = "", line: int = 1) -> None:
        """Look before a statement is sent."""
        passage = self._current()
        pending = _Pending(sql, self._choose(passage, session, sql), path, line)
        passage.pending = pending
        if pending.way is _Way.WRAPPED:
            session.run("BEGIN")
            self._look_anew(passage, session)
        elif pending.way is _Way.OUTSIDE:
            pending.unbound = UnboundTrace(self._second, session, sql)
        pending.transaction = passage.transaction_number + (passage.look is None)
        pending.started = self._clock()

    def after(self, session: DriverSession, *, error: str | None = None) -> None:
        """Look after a statement has come back; `error`: why the server refused it."""
        passage = self._current()
        pending, passage.pending = passage.pending, None
        if pending is None:
            return
        duration_ms = (self._clock() - pending.started) * 1000
        changes = Changes()
        if error is None:
            changes = self._observe(passage, session, pending)
        else:
            self._abandon(passage, session, pending)
        is_outside = pending.way in {_Way.WRAPPED, _Way.OUTSIDE}
        statement = ObservedStatement(
            sql=pending.sql,
            ordinal=len(passage.statements) + 1,
            transaction=None if is_outside else pending.transaction,
            locks=changes.locks,
            held=() if is_outside else changes.held,
            minor=changes.minor,
            rewrites=changes.rewrites,
            scans=changes.scans,
            certainty=changes.certainty,
            error=error,
            duration_ms=duration_ms,
            path=pending.path,
            line=pending.line,
            revision=passage.revision,
            direction=passage.direction,
            rows=changes.rows,
            rewrite_reasons=changes.rewrite_reasons,
            lock_timeout_ms=changes.lock_timeout_ms,
            waited_for=changes.waited_for,
        )
        passage.statements.append(statement)

    def _choose(self, passage: _Passage, session: DriverSession, sql: str) -> _Way:
        state = session.state
        if state is TransactionState.IDLE:
            passage.look, passage.is_broken = None, False
        if state is TransactionState.BROKEN or passage.is_broken or is_transaction_end(sql):
            return _Way.BLIND
        if passage.look is not None:
            return _Way.INSIDE
        if is_transaction_start(sql):
            return _Way.BLIND
        if state is TransactionState.IDLE and session.is_autocommit:
            return _Way.WRAPPED if runs_in_transaction(sql) else _Way.OUTSIDE
        self._look_anew(passage, session)
        self._count(passage)
        return _Way.INSIDE

    def _look_anew(self, passage: _Passage, session: DriverSession) -> None:
        passage.look = look(session.ask)
        passage.counts = read_counts(session.ask, SESSION_COUNTS)

    def _observe(self, passage: _Passage, session: DriverSession, pending: _Pending) -> Changes:
        if pending.unbound is not None:
            changes = pending.unbound.finish(passage.preexisting)
            passage.current = pending.unbound.relations_after
            return changes
        if session.state is not TransactionState.OPEN or is_transaction_start(pending.sql):
            # It ended the transaction; or began one, and what comes next may have to come before
            # any query, which a look is.
            passage.look, passage.is_broken = None, False
            return Changes()
        before, now = passage.look, look(session.ask)
        passage.look = now
        changes = Changes()
        if pending.way is not _Way.BLIND:
            if before is None or before.transaction != now.transaction:
                before = Look()
            changes = find_changes(
                before, now, passage.preexisting, passage.current, passage.counts
            )
            if is_truncation(pending.sql):
                changes = replace(changes, rewrites=(), scans=())
        passage.is_broken = False
        passage.learn(now.relations)
        passage.counts.update(now.counts)
        if pending.way is _Way.WRAPPED:
            session.run("COMMIT")
            passage.look = None
        else:
            self._count(passage)
        return changes

    def _abandon(self, passage: _Passage, session: DriverSession, pending: _Pending) -> None:
        """Leave the session as the statement's error would have left it without us."""
        if pending.unbound is not None:
            pending.unbound.abandon()
        elif pending.way is _Way.WRAPPED:
            if session.state is not TransactionState.IDLE:
                session.run("ROLLBACK")
            passage.look = None
        else:
            passage.is_broken = True

    def _count(self, passage: _Passage) -> None:
        """Give a new number to a transaction seen for the first time."""
        if passage.look is not None and passage.look.transaction != passage.transaction:
            passage.transaction = passage.look.transaction
            passage.transaction_number += 1

    def _ask_second(self, query: str) -> Sequence[Sequence[Any]]:
        return self._second.execute(query.encode()).fetchall()

    def _current(self) -> _Passage:
        if self._passage is None:
            raise AssertionError
        return self._passage
