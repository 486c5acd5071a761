"""What foreign code may not do to this process while it is read."""

import _posixsubprocess
import contextlib
import importlib
import logging
import os
import socket
import subprocess  # noqa: F401 - it keeps a function that is replaced here, and must have the real one
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from safemigrate.source.fence_attempts import Attempt, AttemptKind
from safemigrate.source.fence_drivers import replaced
from safemigrate.source.stopping import RecordingStoppedError

__all__ = ["SLEEP_LIMIT", "taming_process"]

# A loop that waits for something would go on for ever.
SLEEP_LIMIT = 100_000


@contextlib.contextmanager
def taming_process(refuse: Callable[[Attempt], None]) -> Iterator[None]:
    """Let foreign code neither end this process nor hold it up, nor keep a log file.

    `refuse` raises. What is replaced here causes no audit event, or one that may not raise.
    """

    def leave(real: object, *arguments: object) -> None:
        del real, arguments
        refuse(Attempt(AttemptKind.EXIT))

    def start(real: object, words: Any = (), *arguments: object) -> None:
        del real, arguments
        program = os.fsdecode(words[0]) if words else ""
        refuse(Attempt(AttemptKind.START if program else AttemptKind.FORK, program))

    def listen(real: object, server: socket.socket, *arguments: object) -> None:
        del real, arguments
        address: object = server.getsockname()
        # the port is one that was free, another one each time
        host = str(address[0]) if isinstance(address, tuple) else ""
        refuse(Attempt(AttemptKind.LISTEN, host))

    with (
        replaced(os, "_exit", leave),
        replaced(os, "abort", leave),
        # what `multiprocessing` starts its processes with
        replaced(_posixsubprocess, "fork_exec", start),
        replaced(socket.socket, "listen", listen),
        _without_shared_memory(refuse),
        replaced(time, "sleep", _Sleep()),
        replaced(threading.Thread, "start", _start_daemon),
        replaced(logging.FileHandler, "_open", _open_nothing),
        _without_complaints(),
    ):
        yield


@contextlib.contextmanager
def _without_shared_memory(refuse: Callable[[Attempt], None]) -> Iterator[None]:
    """Refuse memory with a name, which stays when the process has ended."""
    try:
        memory = importlib.import_module("_posixshmem")
    except ImportError:
        # not every system has it
        yield
        return

    def refuse_memory(real: object, *arguments: object, **options: object) -> None:
        del real, arguments, options
        # the name is made up by Python, another one each time
        refuse(Attempt(AttemptKind.MAKE_MEMORY))

    with (
        replaced(memory, "shm_open", refuse_memory),
        replaced(memory, "shm_unlink", refuse_memory),
    ):
        yield


class _Sleep:
    """Returns at once in the thread that made it; another thread waits, or it would spin."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._count = 0

    def __call__(self, real: Callable[[float], None], seconds: float) -> None:
        if threading.get_ident() != self._thread or not seconds >= 0:
            real(seconds)
            return
        self._count += 1
        if self._count > SLEEP_LIMIT:
            self._count = 0
            raise RecordingStoppedError(f"sleeps more than {SLEEP_LIMIT} times, the rest was cut")


def _start_daemon(real: Callable[[threading.Thread], None], thread: threading.Thread) -> None:
    # Python waits for the others before it exits; one that was started before raises by itself
    with contextlib.suppress(RuntimeError):
        thread.daemon = True
    real(thread)


def _open_nothing(real: object, handler: logging.FileHandler) -> TextIO:
    del real
    return open(os.devnull, "w", encoding=handler.encoding)  # noqa: PTH123 - as the method does that it replaces


@contextlib.contextmanager
def _without_complaints() -> Iterator[None]:
    """Let a handler that cannot send its record keep quiet about it."""
    before = logging.raiseExceptions
    logging.raiseExceptions = False
    try:
        yield
    finally:
        logging.raiseExceptions = before
