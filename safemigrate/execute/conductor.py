"""The conductor: sees every statement of a revision, and sends it on its way to the server."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

from sqlalchemy.engine import Connection

from safemigrate.execute.builds import BuildSupervisor
from safemigrate.execute.conducting import Sent
from safemigrate.execute.events import PlannedRevision
from safemigrate.execute.lockguard import LockGuard
from safemigrate.execute.locks import LockTaker
from safemigrate.execute.makings import Makings
from safemigrate.execute.resume import StatementLog, Way
from safemigrate.execute.surroundings import Surroundings
from safemigrate.execute.telling import StatementTeller
from safemigrate.execute.watcher import LockWatcher
from safemigrate.plan import Foreseen, Foresight

__all__ = ["Conductor"]


class Conductor:
    """What the sessions of the migrations tell of their statements, and who decides about them."""

    def __init__(self, surroundings: Surroundings, watcher: LockWatcher) -> None:
        self._surroundings = surroundings
        self._watcher = watcher
        self._makings = Makings()
        self._guard = LockGuard(surroundings)
        self._locks = LockTaker(surroundings, watcher, self._makings)
        self._builds = BuildSupervisor(surroundings, watcher, self._locks, self._makings)
        self.log = StatementLog(surroundings)
        self._foresight: Foresight | None = None
        self._teller: StatementTeller | None = None

    def begin_attempt(self, revision: PlannedRevision) -> None:
        """Be told that a revision is about to run, from its first statement on."""
        passage = self._surroundings.plan.clearance.passages.get(revision.revision)
        self._foresight = None if passage is None else Foresight(passage)
        if passage is None:
            self._makings.forget()
        self._locks.begin_attempt()
        self._teller = StatementTeller(self._surroundings, revision)

    def end_attempt(self) -> None:
        """Be told that what follows is not the revision's own."""
        self._foresight = None

    def end_revision(self) -> timedelta:
        """Be told that the revision is committed; return for how long it stalled others."""
        return self.log.stalled + self._locks.end_revision()

    @property
    def stalled(self) -> timedelta:
        """For how long the revision in hand has stalled others so far."""
        return self.log.stalled + self._locks.held

    def begin_statement(self) -> None:
        """Stop here if the run was asked to, else begin to watch the statement."""
        self._surroundings.check_stop()
        self._watcher.begin_statement()

    def foresee(self, sql: str, *, is_autocommit: bool) -> Foreseen | None:
        """Return what the statement will do, None where it is not a revision's."""
        if self._foresight is None:
            return None
        return self._foresight.look(sql, is_autocommit=is_autocommit)

    def carry(self, sent: Sent) -> None:
        """Take the statement to the server.

        Outside a transaction it stays whatever happens to the run, so nobody else may be at work.
        """
        if not sent.is_autocommit and self.log.is_outside(sent.connection):
            sent = replace(sent, is_autocommit=True)
        if sent.is_autocommit:
            self._surroundings.site.check_lock()
        else:
            self._guard.check_statement(sent.connection)
        if sent.foreseen is None or self._teller is None:
            # what was not recorded is written down all the same, while the log is open
            self.log.carry(sent, _send)
            return
        with self._teller.telling(sent):
            way = self._builds.carry if self._builds.takes(sent) else self._locks.carry
            self.log.carry(sent, partial(self._carry, way, sent.foreseen))

    def _carry(self, way: Way, foreseen: Foreseen, sent: Sent) -> None:
        way(sent)
        self._makings.note(sent.connection, foreseen, is_autocommit=sent.is_autocommit)

    def commit(self, connection: Connection, *, is_autocommit: bool) -> None:
        """Be told that a commit is about to be sent; raise StopRunError when it must not be."""
        if not is_autocommit:
            self._guard.check_commit(connection)
        self.log.commit(connection, is_autocommit=is_autocommit)
        self._makings.commit(connection)

    def rollback(self, connection: Connection) -> None:
        """Be told of a rollback."""
        self.log.rollback(connection)
        self._makings.rollback(connection)

    def save(self, connection: Connection, name: str) -> None:
        """Be told of a savepoint."""
        self.log.save(connection, name)

    def roll_back_to(self, connection: Connection, name: str) -> None:
        """Be told of a rollback to a savepoint."""
        self.log.roll_back_to(connection, name)
        self._makings.rollback(connection)

    def end_statement(self) -> None:
        """Watch the statement no more."""
        self._watcher.end_statement()


def _send(sent: Sent) -> None:
    sent.send()
