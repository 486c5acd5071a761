"""SIGTERM and SIGINT: a run stops where nothing is lost."""

import contextlib
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

__all__ = ["StopSignal"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_REPEAT_SECONDS = 0.25


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

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._writer.setblocking(False)  # noqa: FBT003 - the standard library's signature
            previous = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
            self._restore.callback(signal.set_wakeup_fd, previous)
            for number in _SIGNALS:
                self._restore.callback(signal.signal, number, signal.getsignal(number))
                signal.signal(number, self._catch)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore.close()
        self._done.set()
        self._writer.close()
        self._thread.join()
        self._reader.close()

    def sleep(self, seconds: float) -> None:
        """Wait that long, or until a signal comes."""
        self._asked.wait(seconds)

    def _catch(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._ask(number)
        # whoever presses the key again means it
        for one in _SIGNALS:
            signal.signal(one, signal.SIG_DFL)

    def _ask(self, number: int) -> None:
        self.received = self.received or signal.Signals(number).name
        self._asked.set()

    def _listen(self) -> None:
        while not self._asked.is_set():
            received = self._reader.recv(1)
            if not received:
                return
            if received[0] in _SIGNALS:
                self._ask(received[0])
        self._on_stop(self.received)
        while not self._done.is_set():
            if self.cancel is not None:
                self.cancel()
            self._done.wait(_REPEAT_SECONDS)
