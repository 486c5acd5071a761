"""How long a revision may run in one direction, whatever it does."""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from types import FrameType

import psycopg

from safemigrate.errors import SafemigrateError
from safemigrate.trace import open_connection

__all__ = ["TimeLimitReached", "keeping_time", "limiting_time"]


class TimeLimitReached(BaseException):
    """Ends a revision that runs for too long; not one of our own errors, for it is read as its."""


# How long the end of its session may take to reach the code.
_GRACE_SECONDS = 0.5

_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND pid <> ALL (%s)
"""


@contextlib.contextmanager
def keeping_time() -> Iterator[None]:
    """Let the blocks of `limiting_time` inside share a thread, where there are many of them."""
    global _watchman  # noqa: PLW0603 - signals are one for the process as well
    before, _watchman = _watchman, _Watchman()
    try:
        yield
    finally:
        _watchman.close()
        _watchman = before


@contextlib.contextmanager
def limiting_time(url: str, limit: timedelta, spared: Collection[int] = ()) -> Iterator[None]:
    """End what the block does once it has taken so long.

    The sessions on the database at `url`, but for those `spared`, by their process ids, are ended,
    so that a statement that waits or runs for ever comes back with an error. Code that waits or
    runs in Python gets TimeLimitReached, in the main thread only, for signals go nowhere else.
    Then TimeLimitReached is raised, whatever came out of the block.
    """
    clock = _Clock(url, limit, spared)
    with clock.hearing_signals():
        clock.start()
        try:
            yield
        finally:
            if clock.stop():
                raise TimeLimitReached(str(clock))


class _Clock:
    def __init__(self, url: str, limit: timedelta, spared: Collection[int]) -> None:
        self._url = url
        self._spared = list(spared)
        self._limit = limit
        self._has_struck = threading.Event()
        self._is_over = threading.Event()
        self._lock = threading.Lock()
        self._watchman = _watchman or _Watchman()
        self._is_alone = _watchman is None
        self._hears_signals = False

    def __str__(self) -> str:
        return (
            f"it did not end within {self._limit.total_seconds():g} s; --timeout gives it more time"
        )

    @contextlib.contextmanager
    def hearing_signals(self) -> Iterator[None]:
        """Let code in Python be interrupted, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._hears_signals = True
        before = signal.signal(signal.SIGALRM, self._interrupt)
        try:
            yield
        finally:
            self._hears_signals = False
            signal.signal(signal.SIGALRM, before)

    def start(self) -> None:
        """Begin to count."""
        self._watchman.wake(self._limit.total_seconds(), self._strike)

    def stop(self) -> bool:
        """Stop counting; return whether the time was up."""
        with self._lock:
            self._is_over.set()
        # a strike that has begun is done with: no signal comes where nobody handles it
        self._watchman.forget()
        if self._is_alone:
            self._watchman.close()
        return self._has_struck.is_set()

    def _strike(self) -> None:
        with self._lock:
            if self._is_over.is_set():
                return
            self._has_struck.set()
        # a server that is gone has ended the sessions already
        with (
            contextlib.suppress(SafemigrateError, psycopg.Error),
            open_connection(self._url) as own,
        ):
            own.execute(_SESSIONS, (self._spared,))
        ident = threading.main_thread().ident
        # a driver that is interrupted has no connection to roll back on, one that is told has; and
        # code may catch whatever is raised
        while self._hears_signals and not self._is_over.wait(_GRACE_SECONDS):
            if ident is not None:
                # to that thread, so that what it waits in comes back
                signal.pthread_kill(ident, signal.SIGALRM)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._has_struck.is_set() and not self._is_over.is_set():
            raise TimeLimitReached(str(self))


class _Watchman:
    """A thread that calls something at a time, unless it is told to forget it before."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: float | None = None
        self._wakes_at = 0.0
        self._call: Callable[[], None] | None = None
        self._is_calling = self._is_closed = False
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def wake(self, seconds: float, call: Callable[[], None]) -> None:
        """Call it in so many seconds, and forget what was to be called."""
        with self._changed:
            self._due, self._call = time.monotonic() + seconds, call
            # it wakes up earlier as a rule, for what was forgotten, and looks again
            if self._due < self._wakes_at:
                self._changed.notify_all()

    def forget(self) -> None:
        """Do not call it; return when a call that has begun is over."""
        with self._changed:
            self._due = None
            while self._is_calling:
                self._changed.wait()

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                if self._due is None or self._due > now:
                    self._wakes_at = now + threading.TIMEOUT_MAX if self._due is None else self._due
                    self._changed.wait(min(self._wakes_at - now, threading.TIMEOUT_MAX))
                    continue
                self._due, self._is_calling = None, True
                self._changed.release()
                try:
                    if self._call is not None:
                        self._call()
                finally:
                    self._changed.acquire()
                    self._is_calling = False
                    self._changed.notify_all()


_watchman: _Watchman | None = None
