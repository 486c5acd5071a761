"""Work in forked processes that tell what they find while they work."""

import ctypes
import os
import pickle
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from fcntl import F_SETPIPE_SZ, fcntl
from types import TracebackType
from typing import Any, Self

__all__ = ["Worker"]

_LENGTH_BYTES = 4
_READ_BYTES = 1 << 16
# So that a worker need not wait until somebody listens.
_PIPE_BYTES = 1 << 20
_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.01
# linux/prctl.h
_PR_SET_PDEATHSIG = 1


class Worker:
    """A function that is called in a forked process with a function that sends a value here.

    What is sent can be pickled. The process ends with the block, or with this process; it is
    interrupted then, as by Ctrl-C, and cleans up. It is forked at once: no thread is running and no
    connection is open.
    `has_failed`: it ended in another way than by coming to its end; who needs the rest does it.
    """

    def __init__(self, work: Callable[[Callable[[object], None]], None]) -> None:
        """Raise OSError where the system refuses another process."""
        self.has_failed = False
        self._received = b""
        self._pipe, writing = os.pipe()
        parent = os.getpid()
        try:
            self._process: int | None = os.fork()
        except OSError:
            os.close(self._pipe)
            os.close(writing)
            raise
        if self._process == 0:
            os.close(self._pipe)
            _run(work, writing, parent)
        os.close(writing)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process if it has not ended, and wait for it."""
        if self._process is not None:
            _end(self._process)
            self._process = None
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    @property
    def is_over(self) -> bool:
        """Whether everything it sent was received."""
        return self._process is None

    def receive(self, *, is_waiting: bool) -> Iterator[Any]:
        """Yield what it has sent so far, or `is_waiting`, all that it sends until its end."""
        while self._process is not None:
            yield from self._read_values()
            if not is_waiting and not select.select([self._pipe], [], [], 0)[0]:
                return
            data = os.read(self._pipe, _READ_BYTES)
            self._received += data
            if not data:
                _, status = os.waitpid(self._process, 0)
                self._process = None
                self.has_failed = status != 0

    def _read_values(self) -> Iterator[object]:
        while len(self._received) >= _LENGTH_BYTES:
            end = _LENGTH_BYTES + int.from_bytes(self._received[:_LENGTH_BYTES])
            if len(self._received) < end:
                return
            data, self._received = self._received[_LENGTH_BYTES:end], self._received[end:]
            yield pickle.loads(data)  # noqa: S301 - the worker has made it


def _run(work: Callable[[Callable[[object], None]], None], writing: int, parent: int) -> None:
    """Do the work and end the process; never returns."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # what cleans up after an interrupt does so here too
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        _end_with(parent)
        with suppress(OSError):
            fcntl(writing, F_SETPIPE_SZ, _PIPE_BYTES)

        def send(value: object) -> None:
            data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            _write(writing, len(data).to_bytes(_LENGTH_BYTES) + data)

        work(send)
        status = 0
    except BaseException:  # noqa: BLE001, S110 - whoever needs the rest does it again, and hears why
        pass
    finally:
        # without what the process would do at its end: its buffers and handlers are the other's
        os._exit(status)


def _end_with(parent: int) -> None:
    """Let the kernel interrupt this process when its parent ends, however it does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        raise KeyboardInterrupt


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _end(process: int) -> None:
    """Interrupt the process, and kill it where it does not clean up in time."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(process, signal.SIGTERM)
        while os.waitpid(process, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                return
            time.sleep(_POLL_SECONDS)
