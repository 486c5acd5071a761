"""The current directory, which is the whole process's: where foreign code was entered, kept."""

import contextlib
import os
import threading
from collections.abc import Iterator

__all__ = ["at_start", "find_start", "keeping_directory"]


class _Start:
    """Where the outermost of the blocks began that are open, in whatever thread.

    `path`: "" where the directory is gone. `descriptor` leads there whatever it is called by now;
    None where it cannot be opened.
    """

    def __init__(self) -> None:
        self.path = ""
        self.descriptor: int | None = None
        self._count = 0
        self._lock = threading.Lock()

    @property
    def is_set(self) -> bool:
        return self._count > 0

    def enter(self) -> str:
        """Begin a block, and return where."""
        with self._lock:
            if not self._count:
                self.path, self.descriptor = _find_current(), _open_current()
            self._count += 1
            return _find_current()

    def leave(self, before: str) -> None:
        """End a block; behind the last one, whichever it is, the process is where it started."""
        with self._lock:
            self._count -= 1
            if self._count:
                _go(before)
                return
            self.go()
            if self.descriptor is not None:
                with contextlib.suppress(OSError):
                    os.close(self.descriptor)
            self.descriptor = None

    def go(self) -> None:
        """Go there."""
        _go(self.path, self.descriptor)


_start = _Start()


@contextlib.contextmanager
def keeping_directory() -> Iterator[None]:
    """Put the current directory back afterwards, should the code in the block leave it.

    What that code finds when it is entered is so where the command was started, as it is for
    Alembic run by hand. Where the directory is gone, nothing is put back.
    """
    before = _start.enter()
    try:
        yield
    finally:
        _start.leave(before)


@contextlib.contextmanager
def at_start() -> Iterator[None]:
    """Let our own code run where the outermost block began, and foreign code go on where it was.

    What a command line or a configuration names counts from there.
    """
    if not _start.is_set:
        yield
        return
    before = _find_current()
    _start.go()
    try:
        yield
    finally:
        _go(before)


def find_start() -> str:
    """Return where the outermost block began, or else the current directory; "" if it is gone."""
    return _start.path if _start.is_set else _find_current()


def _find_current() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - as text, and without an object for each
    except OSError:
        return ""


def _open_current() -> int | None:
    try:
        return os.open(".", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        # it cannot be read
        return None


def _go(path: str, descriptor: int | None = None) -> None:
    """Change the directory, unless it is that one already; nothing where there is no way."""
    if path and path == _find_current():
        return
    for way in (descriptor, path):
        # foreign code may have closed the descriptor, or removed the directory
        with contextlib.suppress(OSError):
            if way is not None and way != "":
                os.chdir(way)
                return
