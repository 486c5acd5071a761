"""The fence: what would leave the machine, or change it, is refused while foreign code is read."""

import atexit
import contextlib
import os
import shutil
import stat
import sys
import tempfile
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import _bootstrap_external
from types import FrameType
from typing import Any

from safemigrate.cache.audit import listening
from safemigrate.source.excerpt import show_path
from safemigrate.source.fence_attempts import (
    CALLS,
    PATHS,
    Attempt,
    AttemptKind,
    FenceError,
    PathUse,
    is_writing,
)
from safemigrate.source.fence_drivers import find_other_threads, refusing_drivers, replaced
from safemigrate.source.fence_process import taming_process
from safemigrate.source.fence_signals import keeping_interrupts, refusing_signals
from safemigrate.source.fence_sqlite import is_in_memory, refusing_files
from safemigrate.source.stopping import RecordingStoppedError

__all__ = ["Attempt", "AttemptKind", "FenceError", "fenced"]

# A loop that waits until a server is there would go on for ever.
ATTEMPT_LIMIT = 1_000

_DATABASE = "sqlite3.connect"
_EVENTS = frozenset(CALLS) | frozenset(PATHS) | {_DATABASE}


@contextlib.contextmanager
def fenced(on_attempt: Callable[[Attempt], None]) -> Iterator[None]:
    """Refuse sockets, other processes and writes while the block runs.

    That is so in this thread and those that are started inside; the others go on as before.

    `on_attempt` is called for each attempt, by the code that made it, before it is refused with a
    FenceError: the stack tells where it comes from. In a fence within a fence the inner one is
    told. What is tried over and over again ends with a RecordingStoppedError.

    Files can be read, and so can the byte-code of modules be kept, and temporary files be made
    with `tempfile` where it makes them by itself: whoever imports a module does that. They are
    removed when the process ends, for a module may use them until then.
    `time.sleep` returns at once in this thread. Threads started inside do not keep the process
    alive, and stay fenced for as long as they live. A Ctrl-C that the code hides is raised again
    at the end.

    It is made for code that means no harm: what a library in C does by itself is not seen,
    except of the usual database drivers.
    """
    fence = _Fence(on_attempt)
    before = set(threading.enumerate())
    _scratch.find_root()
    try:
        with (
            keeping_interrupts(),
            taming_process(fence.refuse),
            refusing_signals(fence.refuse),
            refusing_drivers(fence.refuse),
            refusing_files(fence.refuse),
            replaced(os, "mkfifo", fence.make_file),
            replaced(os, "mknod", fence.make_file),
            listening(fence.hear, _EVENTS),
        ):
            yield
    finally:
        _leftover.keep(set(threading.enumerate()) - before)


class _Fence:
    def __init__(self, on_attempt: Callable[[Attempt], None]) -> None:
        self._on_attempt = on_attempt
        self._counts: Counter[Attempt] = Counter()
        self._others = find_other_threads()

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Refuse what the event is about, when it is something to be refused."""
        if event == "open" and not is_writing(arguments):
            return
        if threading.current_thread() in self._others:
            return
        attempt = _judge(event, arguments, sys._getframe(2))  # noqa: SLF001 - the hook has no other way to know its caller
        if attempt is not None:
            self.refuse(attempt)

    def make_file(self, real: Callable[..., None], path: Any, *rest: Any, **options: Any) -> None:
        """Refuse a pipe or a device with a name, for which there is no audit event."""
        folder = _find_folder(options.get("dir_fd"))
        whole = os.path.abspath(os.path.join(folder, os.fsdecode(path)))  # noqa: PTH100, PTH118 - in bytes, too
        if not _scratch.has(whole):
            self.refuse(Attempt(AttemptKind.MAKE_FILE, show_path(whole)))
        real(path, *rest, **options)

    def refuse(self, attempt: Attempt) -> None:
        """Tell of the attempt, and raise."""
        self._on_attempt(attempt)
        self._counts[attempt] += 1
        if self._counts[attempt] > ATTEMPT_LIMIT:
            # the next revision may try as often
            del self._counts[attempt]
            raise RecordingStoppedError(f"{attempt} again and again, the rest was cut")
        raise FenceError(attempt)


def _judge(event: str, arguments: tuple[Any, ...], caller: FrameType) -> Attempt | None:
    """Return what is to be refused; None for what does no harm."""
    if event in CALLS:
        return CALLS[event](arguments)
    if event == _DATABASE:
        name = os.fsdecode(arguments[0])
        return None if is_in_memory(name) else Attempt(AttemptKind.OPEN_DATABASE, name)
    is_appending = event == "open" and bool(arguments[2] & os.O_APPEND)
    for use in PATHS[event]:
        path = _resolve(use, arguments)
        if path is None or _is_harmless(use.kind, path, is_appending=is_appending):
            return None
        if not _scratch.has(path) and not _is_bookkeeping(path, caller):
            return Attempt(use.kind, show_path(path))
    return None


def _resolve(use: PathUse, arguments: tuple[Any, ...]) -> str | None:
    """Return the absolute path; None for a descriptor, which was looked at when it was opened."""
    path = arguments[use.position]
    if isinstance(path, int):
        return None
    folder = "" if use.folder is None else _find_folder(arguments[use.folder])
    return os.path.abspath(os.path.join(folder, os.fsdecode(path)))  # noqa: PTH100, PTH118 - in bytes, too


def _find_folder(descriptor: object) -> str:
    if isinstance(descriptor, int) and descriptor >= 0:
        with contextlib.suppress(OSError):
            return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115 - a link that is no path
    return ""


_OUTPUTS = frozenset({"/dev/stdout", "/dev/stderr"})
_DESCRIPTORS = ("/dev/fd/", "/proc/self/fd/")
_ON_WHAT_EXISTS = frozenset({AttemptKind.CHANGE, AttemptKind.REMOVE, AttemptKind.RENAME})


def _is_harmless(kind: AttemptKind, path: str, *, is_appending: bool) -> bool:
    """Return whether nothing would come of it, but perhaps an error."""
    if kind is AttemptKind.WRITE:
        return path == os.devnull or _is_output(path, is_appending=is_appending)
    if kind is AttemptKind.MAKE_FOLDER:
        return os.path.lexists(path)
    return kind in _ON_WHAT_EXISTS and not os.path.lexists(path)


def _is_output(path: str, *, is_appending: bool) -> bool:
    """Return whether it is a stream; the file that one was redirected to can only be added to."""
    is_standard = path in _OUTPUTS
    if not is_standard and not path.startswith(_DESCRIPTORS):
        return False
    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 - a path as text
    except OSError:
        return True
    return not is_file or (is_appending and (is_standard or path.endswith(("/1", "/2"))))


def _is_bookkeeping(path: str, caller: FrameType) -> bool:
    """Return whether Python does it for itself: byte-code, or a temporary file."""
    if caller.f_globals is vars(_bootstrap_external):
        return "__pycache__" in path or ".pyc" in path or _is_for_byte_code(path)
    if caller.f_globals is not vars(tempfile) or not _scratch.may_have(path):
        return False
    _scratch.add(path)
    return True


def _is_for_byte_code(path: str) -> bool:
    """Return whether the folder is one that PYTHONPYCACHEPREFIX leads to: in it, or on the way."""
    if not sys.pycache_prefix:
        return False
    prefix = os.path.abspath(sys.pycache_prefix)  # noqa: PTH100 - as above
    return os.path.commonpath((path, prefix)) in {path, prefix}


class _Scratch:
    """Temporary files and folders that foreign code made, to be used until the process ends."""

    def __init__(self) -> None:
        # with the process that made them: a fork removes nothing of its parent's
        self._paths: dict[str, int] = {}
        self._root: str | None = None

    def find_root(self) -> None:
        """Find out where temporary files belong, which is tried by writing there."""
        if self._root is None:
            with contextlib.suppress(OSError):
                self._root = os.path.realpath(tempfile.gettempdir())

    def may_have(self, path: str) -> bool:
        """Return whether it is where `tempfile` makes its files unless it is told otherwise."""
        if self._root is None:
            return False
        return os.path.commonpath((os.path.realpath(path), self._root)) == self._root

    def remove(self) -> None:
        """Remove what foreign code left there."""
        for path in [path for path, maker in self._paths.items() if maker == os.getpid()]:
            if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 - as above
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    os.unlink(path)  # noqa: PTH108 - as above

    def add(self, path: str) -> None:
        # an unnamed file is made by opening the folder, which exists
        if not os.path.lexists(path):
            self._paths[path] = os.getpid()

    def has(self, path: str) -> bool:
        while path not in self._paths:
            parent = os.path.dirname(path)  # noqa: PTH120 - much faster
            if parent == path:
                return False
            path = parent
        return True


_scratch = _Scratch()
atexit.register(_scratch.remove)


class _Leftover:
    """Threads that outlive their fence; they are refused what they were refused inside."""

    def __init__(self) -> None:
        self._threads: weakref.WeakSet[threading.Thread] = weakref.WeakSet()
        self._stack = contextlib.ExitStack()
        self._is_listening = False

    def keep(self, threads: set[threading.Thread]) -> None:
        self._threads.update(threads)
        if threads and not self._is_listening:
            self._is_listening = True
            self._stack.enter_context(listening(self._hear, _EVENTS))

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if threading.current_thread() not in self._threads:
            return
        if event != "open" or is_writing(arguments):
            attempt = _judge(event, arguments, sys._getframe(2))  # noqa: SLF001 - as above
            if attempt is not None:
                raise FenceError(attempt)


_leftover = _Leftover()
