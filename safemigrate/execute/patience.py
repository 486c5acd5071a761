"""The time that a run may spend on waiting."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

__all__ = ["Patience"]


class Patience:
    """Counts what a run has waited, of what it may wait in all; for any thread.

    `limit`: how long it may wait. `now`: the seconds of the run's clock. Who waits says so, and
    those who say it at the same time are counted once: what works meanwhile uses nothing up.
    """

    def __init__(self, limit: timedelta, now: Callable[[], float]) -> None:
        self._limit = limit.total_seconds()
        self._now = now
        self._lock = threading.Lock()
        self._counted = 0.0
        self._waiters = 0
        self._since = 0.0

    @property
    def waited(self) -> float:
        """The seconds that the run has waited by now."""
        with self._lock:
            running = self._now() - self._since if self._waiters else 0.0
            return self._counted + running

    @property
    def remaining(self) -> float:
        """The seconds that are left; negative when it has waited for longer than it may."""
        return self._limit - self.waited

    def begin(self) -> None:
        """Be told that somebody waits from now on."""
        with self._lock:
            if not self._waiters:
                self._since = self._now()
            self._waiters += 1

    def end(self) -> None:
        """Be told that one of those who wait does so no more."""
        with self._lock:
            self._waiters -= 1
            if not self._waiters:
                self._counted += self._now() - self._since

    def add(self, seconds: float) -> None:
        """Count a wait that is over, and was not counted while it lasted."""
        with self._lock:
            self._counted += max(seconds, 0.0)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the block."""
        self.begin()
        try:
            yield
        finally:
            self.end()
