"""Work done at the same time on another core, where it is pure and there is enough of it."""

import gc
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, Self, TypeVar

__all__ = ["Fork", "count_cores"]

Result = TypeVar("Result")


def count_cores() -> int:
    """Return on how many cores this process may work at the same time; 1 where it cannot fork.

    A fork has only the thread that asked for it: with others about, what they hold is never let go.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return len(os.sched_getaffinity(0))


class Fork(Generic[Result]):
    """A function without effects, called in a forked process.

    The result must be something that can be pickled, and is asked for once. Whatever goes wrong
    there, the function is called here when the result is wanted: it is the same as without a fork,
    and so are errors.
    """

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._process: int | None = None
        self._pipe = -1
        with suppress(OSError):
            self._start()

    def _start(self) -> None:
        reading, writing = os.pipe()
        try:
            process = os.fork()
        except OSError:
            os.close(reading)
            os.close(writing)
            raise
        if process == 0:
            _run(self._work, writing)
        os.close(writing)
        self._process, self._pipe = process, reading

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do without the result, where nobody has asked for it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.kill(self._process, signal.SIGKILL)
            self._close()
            self._wait()

    def result(self) -> Result:
        """Return what the function returns, once it has; raises what it raises."""
        if self._process is None:
            return self._work()
        with open(self._pipe, "rb", closefd=False) as pipe:
            data = pipe.read()
        self._close()
        if not self._wait():
            return self._work()
        found: Result = pickle.loads(data)  # noqa: S301 - this process has made it
        return found

    def _close(self) -> None:
        pipe, self._pipe = self._pipe, -1
        if pipe >= 0:
            os.close(pipe)

    def _wait(self) -> bool:
        """Wait for the end of the process, and return whether all went well there."""
        process, self._process = self._process, None
        try:
            return process is not None and os.waitpid(process, 0)[1] == 0
        except ChildProcessError:
            # Somebody else has waited for it.
            return False


def _run(work: Callable[[], object], writing: int) -> None:
    """Write the pickled result to the pipe, and end the process; never returns."""
    status = 1
    try:
        # What is collected here would be copied first.
        gc.disable()
        # Nobody is there to see a warning twice, or to answer an interrupt.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with open(writing, "wb") as pipe:
            pickle.dump(work(), pipe, pickle.HIGHEST_PROTOCOL)
        status = 0
    finally:
        # Without what the process would do at its end: its buffers and handlers are the other's.
        os._exit(status)
