"""SIGTERM and SIGINT: a run stops where nothing is lost."""

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Self, TypeVar

__all__ = ["StopRunError", "StopSignal"]

Result = TypeVar("Result")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Wakes the main thread; a process that does not ask for it never notices it.
_PROD = signal.SIGURG
_REPEAT_SECONDS = 0.25
# What is broken off puts its things in order, which must not be broken off as well.
_GRACE_SECONDS = 1.0
# Code that must not be broken off in the middle: ours, and what speaks to the server.
_NOT_TO_BREAK = frozenset(
    {"alembic", "asyncpg", "greenlet", "psycopg", "psycopg2", "psycopg_pool", "safemigrate"}
    | {"sqlalchemy"}
)


class StopRunError(Exception):
    """The run has to stop here; the message says why. Never leaves the package."""


# While a revision runs, the name has another meaning: see `raising_exit`.
_exit = os._exit


def _end(number: int, _: FrameType | None) -> None:
    _exit(128 + number)


class StopSignal:
    """Catches the two signals while the block runs; a second one ends the process at once.

    `received`: the name of the signal that came, or "".
    `on_stop`: called once, from a thread, as soon as the signal is there, even while the main
    thread waits inside a driver that lets no Python run. `cancel`, to be set by whoever has
    something to cancel, is called from then on again and again until the block ends, because a
    cancellation that comes between two statements is lost.
    """

    def __init__(self, on_stop: Callable[[str], None]) -> None:
        self.received = ""
        self.cancel: Callable[[], None] | None = None
        self._on_stop = on_stop
        self._asked = threading.Event()
        self._done = threading.Event()
        self._reader, self._writer = socket.socketpair()
        self._thread = threading.Thread(target=self._listen, name="safemigrate-stop", daemon=True)
        self._restore = contextlib.ExitStack()
        self._is_breakable = False
        self._is_in_revision = False
        self._broken_at = float("-inf")
        self._main: int | None = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._main = threading.get_ident()
            self._writer.setblocking(False)  # noqa: FBT003 - the standard library's signature
            previous = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
            self._restore.callback(signal.set_wakeup_fd, previous)
            for number in (*_SIGNALS, _PROD):
                self._restore.callback(signal.signal, number, signal.getsignal(number))
                signal.signal(number, self._wake if number == _PROD else self._catch)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # first the thread, which may have the last signal of its own on the way
        self._done.set()
        with contextlib.suppress(OSError):
            self._writer.send(b"\0")
        self._thread.join()
        self._restore.close()
        self._writer.close()
        self._reader.close()

    def sleep(self, seconds: float) -> None:
        """Wait that long, or until a signal comes."""
        self._asked.wait(seconds)

    @contextlib.contextmanager
    def breaking(self) -> Iterator[None]:
        """Let a signal end the block by KeyboardInterrupt, wherever it is.

        For work that changes nothing, such as connecting; at once, when the signal came before.
        """
        self._is_breakable = True
        try:
            if self.received:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_breakable = False

    def run_revision(self, function: Callable[[], Result]) -> Result:
        """Return what a revision's function returns, which a signal may end by StopRunError.

        Only in code of its own, such as a pause between two statements: not in a driver, nor in
        what stands between the revision and the driver.
        """
        self._is_in_revision = True
        try:
            return function()
        finally:
            self._is_in_revision = False

    def _catch(self, number: int, frame: FrameType | None) -> None:
        # whoever presses the key again means it; that alone ends the first process of a container
        is_first = os.getpid() == 1
        for one in _SIGNALS:
            signal.signal(one, _end if is_first else signal.SIG_DFL)
        # the thread sets the event: the code that was interrupted here may have its lock
        self.received = self.received or signal.Signals(number).name
        self._break_off(frame)

    def _wake(self, number: int, frame: FrameType | None) -> None:
        del number
        if self.received:
            self._break_off(frame)

    def _break_off(self, frame: FrameType | None) -> None:
        """Raise out of what the main thread is doing, where that may be."""
        if time.monotonic() - self._broken_at < _GRACE_SECONDS:
            return
        if self._is_breakable:
            self._broken_at = time.monotonic()
            raise KeyboardInterrupt
        if self._is_in_revision and _is_revision_code(frame):
            self._broken_at = time.monotonic()
            raise StopRunError(f"stopped by {self.received}")

    def _listen(self) -> None:
        while not self._asked.is_set():
            received = self._reader.recv(1)
            if received[0] in _SIGNALS:
                self.received = self.received or signal.Signals(received[0]).name
                self._asked.set()
            elif self._done.is_set():
                return
        self._on_stop(self.received)
        while not self._done.is_set():
            if self._main is not None:
                signal.pthread_kill(self._main, _PROD)
            if self.cancel is not None:
                self.cancel()
            self._done.wait(_REPEAT_SECONDS)


def _is_revision_code(frame: FrameType | None) -> bool:
    """Return whether nothing stands between this frame and `run_revision` but a revision's code."""
    is_innermost = True
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in _NOT_TO_BREAK:
            return frame.f_code is StopSignal.run_revision.__code__ and not is_innermost
        is_innermost = False
        frame = frame.f_back
    return False
