"""The conductor: sees every statement of a revision, and sends it on its way to the server."""

from safemigrate.execute.builds import BuildSupervisor
from safemigrate.execute.conducting import Sent
from safemigrate.execute.events import PlannedRevision
from safemigrate.execute.locks import LockTaker
from safemigrate.execute.resume import StatementLog
from safemigrate.execute.surroundings import Surroundings
from safemigrate.execute.watcher import LockWatcher
from safemigrate.plan import Foreseen, Foresight

__all__ = ["Conductor"]


class Conductor:
    """What the sessions of the migrations tell of their statements, and who decides about them."""

    def __init__(self, surroundings: Surroundings, watcher: LockWatcher) -> None:
        self._surroundings = surroundings
        self._watcher = watcher
        self._locks = LockTaker(surroundings, watcher)
        self._builds = BuildSupervisor(surroundings, watcher)
        self._log = StatementLog(surroundings)
        self._foresight: Foresight | None = None

    def begin_attempt(self, revision: PlannedRevision) -> None:
        """Be told that a revision is about to run, from its first statement on."""
        passage = self._surroundings.plan.clearance.passages.get(revision.revision)
        self._foresight = None if passage is None else Foresight(passage)
        self._locks.begin_attempt()
        self._log.begin_attempt(revision)

    def end_attempt(self) -> None:
        """Be told that what follows is not the revision's own."""
        self._foresight = None

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
        """Take the statement to the server."""
        if sent.foreseen is None:
            sent.send()
            return
        self._log.carry(sent, self._builds.carry if self._builds.takes(sent) else self._locks.carry)

    def end_statement(self) -> None:
        """Watch the statement no more."""
        self._watcher.end_statement()
