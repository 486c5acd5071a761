"""How a revision is ended that would go on for ever."""

import signal
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
        before: Any = signal.SIG_DFL if self._handler is None else self._handler
        signal.signal(signal.SIGALRM, before)
        if self._left_s:
            passed_s = time.monotonic() - self._started
            # a timer that should have gone off meanwhile does so now
            left_s = max(self._left_s - passed_s, 1e-6)
            signal.setitimer(signal.ITIMER_REAL, left_s, self._interval_s)

    def _interrupt(self, signum: int, frame: FrameType | None) -> None:
        del signum, frame
        if self._is_running:
            # what catches this everywhere has to be hit between two of its blocks
            self._again_s = max(self._again_s / 2, _LEAST_S)
            signal.setitimer(signal.ITIMER_REAL, self._again_s, self._again_s)
            raise self._stop()
