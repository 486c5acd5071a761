"""How a revision is ended that would go on for ever."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["RecordingStoppedError", "TimeLimit"]

# Code that catches everything is told again, until it hears.
_AGAIN_S = 0.05
_LEAST_S = 0.001


class RecordingStoppedError(BaseException):
    """Ends a revision that never would; no `except Exception` of its own may catch it.

    `line`: that of the revision it was stopped at, 1-based.
    """

    def __init__(self, reason: str, line: int = 1) -> None:
        super().__init__(reason)
        self.line = line


class TimeLimit:
    """Raises what `stop` returns inside its block when that runs longer than `limit_s` seconds.

    It needs the timer of POSIX, and the main thread, for Python handles signals in no other:
    elsewhere the block runs without a limit. The handler and the timer that were set before are
    set again afterwards, the timer with what is left of it.
    """

    def __init__(self, limit_s: float, stop: Callable[[], BaseException]) -> None:
        self._limit_s = limit_s
        self._stop = stop
        self._is_running = False
        self._started = 0.0
        self._left_s = self._interval_s = 0.0
        self._handler: object = None
        self._again_s = _AGAIN_S
        self._tell_unraisable: Callable[[sys.UnraisableHookArgs], object] | None = None

    def __enter__(self) -> None:
        if not hasattr(signal, "setitimer") or (
            threading.current_thread() is not threading.main_thread()
        ):
            return
        self._started = time.monotonic()
        self._handler = signal.signal(signal.SIGALRM, self._interrupt)
        self._is_running = True
        timer = signal.setitimer(signal.ITIMER_REAL, self._limit_s, _AGAIN_S)
        self._left_s, self._interval_s = timer

    def __exit__(self, *_: object) -> None:
        if not self._is_running:
            return
        self._is_running = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        if self._tell_unraisable is not None:
            sys.unraisablehook = self._tell_unraisable
        before: Any = signal.SIG_DFL if self._handler is None else self._handler
        signal.signal(signal.SIGALRM, before)
        if self._left_s:
            passed_s = time.monotonic() - self._started
            # a timer that should have gone off meanwhile does so now
            left_s = max(self._left_s - passed_s, 1e-6)
            signal.setitimer(signal.ITIMER_REAL, left_s, self._interval_s)

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        del signum
        if self._is_running and not _is_ending(frame):
            if self._tell_unraisable is None:
                self._tell_unraisable, sys.unraisablehook = sys.unraisablehook, self._ignore
            # what catches this everywhere has to be hit between two of its blocks
            self._again_s = max(self._again_s / 2, _LEAST_S)
            signal.setitimer(signal.ITIMER_REAL, self._again_s, self._again_s)
            raise self._stop()

    def _ignore(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """Leave untold that a finalizer was hit, in which nothing can be raised: the next is."""
        tell = self._tell_unraisable
        if tell is not None and not isinstance(unraisable.exc_value, RecordingStoppedError):
            tell(unraisable)


def _is_ending(frame: FrameType | None) -> bool:
    """Return whether it is the end of a block that would be interrupted, and left undone."""
    while frame is not None:
        if frame.f_code is TimeLimit.__exit__.__code__:
            return True
        frame = frame.f_back
    return False
