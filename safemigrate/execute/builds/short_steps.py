"""The short steps of a long work: they take locks that the application waits for."""

from dataclasses import replace

from safemigrate.execute.backoff import pause_after
from safemigrate.execute.builds.build import Build, locks_timed
from safemigrate.execute.locks import LockTaker
from safemigrate.model import Catalog, Migration, Passage
from safemigrate.plan import Foresight
from safemigrate.source import find_sqlstate
from safemigrate.source.sqlstates import DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE

__all__ = ["ShortSteps"]

_MAY_PASS = frozenset({DEADLOCK_DETECTED, LOCK_NOT_AVAILABLE})


class ShortSteps:
    """Sends statements of our own, as those of a revision are sent: look, then lock.

    `before`: the catalog that they meet.
    """

    def __init__(self, build: Build, locks: LockTaker, before: Catalog) -> None:
        self._build = build
        self._locks = locks
        plan, version = build.surroundings.plan, build.surroundings.site.server_version
        migration = Migration("", "", build.revision.revision)
        self._foresight = Foresight(Passage(migration, plan.direction, before, before, (), version))

    def note(self, statement: str) -> None:
        """Be told of a statement that goes another way, and changes what the next ones meet."""
        self._foresight.look(statement, is_autocommit=True)

    def carry(self, statement: str) -> None:
        """Take the statement to the server, as often as it needs until the deadline."""
        attempt = 0
        while True:
            attempt += 1
            try:
                self._send(statement)
            except Exception as err:
                remaining = self._build.surroundings.remaining()
                if find_sqlstate(err) not in _MAY_PASS or remaining <= 0:
                    raise
            else:
                return
            self._build.surroundings.check_stop()
            settings = self._build.surroundings.plan.settings
            pause = pause_after(attempt, settings.lock_timeout, settings.timing.draw)
            self._build.surroundings.sleep(min(pause.total_seconds(), remaining))

    def _send(self, statement: str) -> None:
        build = self._build
        foreseen = self._foresight.look(statement, is_autocommit=True)
        sent = replace(
            build.sent,
            sql=statement,
            raw=statement,
            parameters=None,
            foreseen=foreseen,
            send=lambda: build.sent.run(statement),
        )
        # the application stands behind whoever stands in the queue for such a lock
        with locks_timed(build, build.surroundings.plan.settings.lock_timeout):
            self._locks.carry(sent)
