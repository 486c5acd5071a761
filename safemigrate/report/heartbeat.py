"""A line every few seconds, so that whoever reads a log knows that the run lives."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

__all__ = ["Heartbeat"]


class Heartbeat:
    """Calls `beat` from a thread whenever nothing was told for as long as `interval`, in seconds.

    `beat` and what tells must not be at work at once: both take `lock`.
    """

    def __init__(
        self,
        beat: Callable[[], None],
        interval: float,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.lock = threading.RLock()
        self._beat = beat
        self._interval = interval
        self._now = now
        self._last = now()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="safemigrate-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def put_off(self) -> None:
        """Begin to count anew, because something was told."""
        self._last = self._now()

    def _run(self) -> None:
        while not self._done.wait(max(self._last + self._interval - self._now(), 0)):
            with self.lock:
                if self._now() - self._last < self._interval or self._done.is_set():
                    continue
                self._beat()
                self.put_off()
