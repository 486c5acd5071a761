"""Locks of a statement that cannot run in a transaction, seen from a second session."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Thread

import psycopg
from psycopg import sql

from safemigrate.model import LockMode, QualifiedName
from safemigrate.trace.commands import skips_locked, takes_one_lock, waits_for_readers
from safemigrate.trace.sessions import Connection

__all__ = ["Hold", "Sighting", "Watch", "choose_hold"]

_POLL_INTERVAL_SECONDS = 0.001

_LOCKS = """
SELECT locktype, relation::bigint, mode, granted FROM pg_catalog.pg_locks
 WHERE pid = %s AND mode <> 'SIReadLock'
   AND (NOT granted OR (locktype = 'relation' AND relation >= 16384))
"""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The strongest mode seen per relation, by oid, granted or asked for.

    `is_complete`: the statement was seen waiting, with everything it needs in its hands.
    `waited_for`: the kinds of lock that it was seen waiting for.
    """

    modes: dict[int, LockMode]
    is_complete: bool
    waited_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Hold:
    """What the watch holds so that the statement has to wait for it.

    `is_decisive`: a statement seen waiting has then shown all that it takes, if it waits for the
    kind of lock `waits_for`; None for any.
    """

    tables: tuple[QualifiedName, ...]
    mode: LockMode
    is_decisive: bool
    waits_for: str | None = None


def choose_hold(statement: str, tables: Sequence[QualifiedName]) -> Hold | None:
    """Return the hold that makes the statement wait for us, None when it must not be held up.

    CONCURRENTLY waits for whoever may still write or read by the old state: a snapshot and ROW
    EXCLUSIVE do, which is what a writer of the application has ("CREATE INDEX", Building Indexes
    Concurrently). It waits for the end of their transactions; in the queue of the table, where
    others wait behind it, it would wait for a lock that keeps writers away. The others want SHARE
    UPDATE EXCLUSIVE or more on their table, which conflicts with itself ("Explicit Locking", table
    13.2).
    """
    if skips_locked(statement):
        return None
    if waits_for_readers(statement):
        return Hold(tuple(tables), LockMode.ROW_EXCLUSIVE, is_decisive=True, waits_for="virtualxid")
    is_decisive = takes_one_lock(statement) and len(tables) == 1
    return Hold(tuple(tables), LockMode.SHARE_UPDATE_EXCLUSIVE, is_decisive=is_decisive)


class Watch:
    """Polls the locks of another session from `start` to `stop`.

    Between two polls a short statement can come and go, so the watch gets in its way: it has a
    hold, and lets go of it at the first sight of the statement waiting. What a decisive hold has
    shown is the sighting; the locks on an index that is already out of everybody's reach, which
    come after it, are not part of it.
    """

    def __init__(self, connection: Connection, pid: int, hold: Hold | None) -> None:
        """`connection` is in autocommit mode and used by nobody else until `stop` returns."""
        self._connection = connection
        self._pid = pid
        self._hold = hold
        self._modes: dict[int, LockMode] = {}
        self._is_complete = False
        self._waited_for: set[str] = set()
        self._is_over = Event()
        self._thread = Thread(target=self._watch, name="safemigrate-watch", daemon=True)

    def start(self) -> None:
        """Return when the watch stands; the statement may then be sent."""
        if self._hold is not None and not self._take(self._hold):
            self._hold = None
        self._thread.start()

    def stop(self) -> Sighting:
        """Return what was seen, once the last poll is over."""
        self._is_over.set()
        self._thread.join()
        return Sighting(self._modes, self._is_complete, frozenset(self._waited_for))

    def _take(self, hold: Hold) -> bool:
        try:
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            self._connection.execute("SET LOCAL lock_timeout = '1s'")
            for table in hold.tables:
                name = sql.Identifier(table.schema or "public", table.name)
                command = sql.SQL("LOCK TABLE {} IN {} MODE").format(name, sql.SQL(hold.mode.value))
                self._connection.execute(command)
            # the first query takes the snapshot
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            # Polling alone still sees most: the sighting is then not complete.
            self._connection.rollback()
            return False
        return True

    def _watch(self) -> None:
        try:
            while not self._is_complete:
                waited_for = self._poll()
                self._waited_for |= waited_for
                if waited_for and self._hold is not None:
                    self._is_complete = _is_shown(self._hold, waited_for)
                    self._let_go()
                if self._is_over.wait(_POLL_INTERVAL_SECONDS):
                    break
        except psycopg.Error:
            # The server is gone, which the statement's own session reports.
            self._is_complete = False
        finally:
            self._let_go()

    def _let_go(self) -> None:
        self._hold = None
        # whoever closed the connection has ended the transaction as well
        with suppress(psycopg.Error):
            self._connection.rollback()

    def _poll(self) -> set[str]:
        """Note the modes and return the kinds of lock that the statement waits for."""
        waited_for = set()
        for kind, oid, name, is_granted in self._connection.execute(_LOCKS, (self._pid,)):
            if not is_granted:
                waited_for.add(kind)
            if kind == "relation":
                mode = LockMode.from_pg_locks(name)
                self._modes[oid] = max(mode, self._modes.get(oid, mode))
        return waited_for


def _is_shown(hold: Hold, waited_for: set[str]) -> bool:
    """Return whether the wait is the one that the hold is for, after which all locks are taken.

    What waits for readers waits for their transactions; before that it may wait for a relation,
    behind an autovacuum.
    """
    return hold.is_decisive and (hold.waits_for is None or hold.waits_for in waited_for)
