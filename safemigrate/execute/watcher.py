"""The watcher: a thread that sees, from the control connection, what a statement waits for."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.blockers import LockWait, look_for_wait
from safemigrate.execute.control import ControlConnection, ControlLostError
from safemigrate.execute.patience import Patience

__all__ = ["LockWatcher"]

_TICK_SECONDS = 0.02
_FIRST_LOOK_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 1.0
# Between two looks at a statement that waits: what it does then is work, and must not be counted.
_LONGEST_WAIT_SECONDS = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class _Statement:
    """One that runs, since `began` by the clock."""

    began: float


class LockWatcher:
    """Looks at pg_locks while a statement runs: soon at first, then every second.

    `last_wait`: what the session was last seen to wait for since `begin_attempt`.
    `report` is called, from the thread, when that changes within a revision. `patience`: is told
    for how long a statement was seen to wait.
    """

    def __init__(
        self,
        control: ControlConnection,
        report: Callable[[LockWait], None],
        patience: Patience,
    ) -> None:
        self.last_wait: LockWait | None = None
        self._control = control
        self._report = report
        self._patience = patience
        self._counting = threading.Lock()
        self._is_counted = False
        self._reported: LockWait | None = None
        self._pid: int | None = None
        self._statement: _Statement | None = None
        self._is_closed = threading.Event()
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
        self._is_closed.set()
        self._thread.join()
        self._count_no_more()

    def begin_revision(self) -> None:
        """Report everything anew."""
        self._reported = None

    def begin_attempt(self, pid: int) -> None:
        """Watch the session with this pid from now on, and forget what was seen before."""
        self._pid = pid
        self.last_wait = None

    def take_wait(self) -> LockWait | None:
        """Return what the session was last seen to wait for, and forget it."""
        wait, self.last_wait = self.last_wait, None
        return wait

    def note(self, wait: LockWait) -> None:
        """Be told what was seen by another look."""
        self.last_wait = wait

    def begin_statement(self) -> None:
        """Begin to look."""
        # without a word to the thread, which would cost more than most statements
        self._statement = _Statement(time.monotonic())
        if self._is_counted:
            self._count_no_more()

    def end_statement(self) -> None:
        """Look no more."""
        self._statement = None
        if self._is_counted:
            self._count_no_more()

    def _watch(self) -> None:
        watched: _Statement | None = None
        pause = due = 0.0
        while not self._is_closed.wait(_TICK_SECONDS):
            statement = self._statement
            if statement is None:
                # it may have ended between the last look and its count
                self._count_no_more()
                continue
            if statement is not watched:
                watched, pause = statement, _FIRST_LOOK_SECONDS
                due = statement.began + pause
            if time.monotonic() >= due:
                self._look(statement)
                longest = _LONGEST_WAIT_SECONDS if self._is_counted else _LONGEST_PAUSE_SECONDS
                pause = min(pause * 1.5, longest)
                due = time.monotonic() + pause

    def _look(self, statement: _Statement) -> None:
        pid = self._pid
        if pid is None:
            return
        try:
            wait = self._control.run(lambda connection: look_for_wait(connection, pid))
        except (ControlLostError, SQLAlchemyError):
            # the run itself notices, before its next revision
            return
        if wait is None:
            self._count_no_more()
            return
        with self._counting:
            if self._statement is statement and not self._is_counted:
                self._is_counted = True
                self._patience.begin()
        self.last_wait = wait
        if self._reported is None or _pids(self._reported) != _pids(wait):
            self._reported = wait
            self._report(wait)

    def _count_no_more(self) -> None:
        with self._counting:
            if self._is_counted:
                self._is_counted = False
                self._patience.end()


def _pids(wait: LockWait) -> tuple[str | None, frozenset[int]]:
    return wait.relation, frozenset(blocker.pid for blocker in wait.blockers)
