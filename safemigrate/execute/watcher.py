"""The watcher: a thread that sees, from the control connection, what a statement waits for."""

import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.blockers import LockWait, look_for_wait
from safemigrate.execute.control import ControlConnection, ControlLostError

__all__ = ["LockWatcher"]

_FIRST_LOOK_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0


class LockWatcher:
    """Looks at pg_locks while a statement runs: soon at first, then every second.

    `last_wait`: what the session was last seen to wait for since `begin_attempt`.
    `report` is called, from the thread, when that changes within a revision.
    """

    def __init__(self, control: ControlConnection, report: Callable[[LockWait], None]) -> None:
        self.last_wait: LockWait | None = None
        self._control = control
        self._report = report
        self._reported: LockWait | None = None
        self._pid: int | None = None
        self._changed = threading.Condition()
        self._serial = 0
        self._is_running = False
        self._is_closed = False
        self._thread = threading.Thread(target=self._watch, name="safemigrate-watcher", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join()

    def begin_revision(self) -> None:
        """Report everything anew."""
        self._reported = None

    def begin_attempt(self, pid: int) -> None:
        """Watch the session with this pid from now on, and forget what was seen before."""
        self._pid = pid
        self.last_wait = None

    def begin_statement(self) -> None:
        """Begin to look."""
        self._turn(is_running=True)

    def end_statement(self) -> None:
        """Look no more."""
        self._turn(is_running=False)

    def _turn(self, *, is_running: bool) -> None:
        with self._changed:
            self._serial += 1
            self._is_running = is_running
            self._changed.notify()

    def _watch(self) -> None:
        pause = _FIRST_LOOK_SECONDS
        watched = -1
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_running or self._is_closed)
                if self._is_closed:
                    return
                if watched != self._serial:
                    watched, pause = self._serial, _FIRST_LOOK_SECONDS
                if self._changed.wait_for(partial(self._is_past, watched), pause):
                    continue
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
            self._look()

    def _is_past(self, serial: int) -> bool:
        return self._serial != serial or self._is_closed

    def _look(self) -> None:
        pid = self._pid
        if pid is None:
            return
        try:
            wait = self._control.run(lambda connection: look_for_wait(connection, pid))
        except (ControlLostError, SQLAlchemyError):
            # the run itself notices, before its next revision
            return
        if wait is None:
            return
        self.last_wait = wait
        if self._reported is None or _pids(self._reported) != _pids(wait):
            self._reported = wait
            self._report(wait)


def _pids(wait: LockWait) -> tuple[str | None, frozenset[int]]:
    return wait.relation, frozenset(blocker.pid for blocker in wait.blockers)
