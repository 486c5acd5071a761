"""Hears what this process reads."""

import contextlib
import os
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any

from safemigrate.cache.audit import listening
from safemigrate.cache.inputs import (
    WHOLE_ENVIRONMENT,
    InputKind,
    Inputs,
    digest_of_packages,
    site_folders,
)
from safemigrate.cache.store import cache_folder

__all__ = [
    "InputsWatch",
    "note_inputs",
    "note_own",
    "unheard",
    "watch_inputs",
    "watching_places",
]

_EVENTS = frozenset({"open", "os.listdir", "os.scandir"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class InputsWatch:
    """Notes what is read for as long as `watch_inputs` runs.

    What is noted is what was there just before it was read for the first time: whoever writes
    meanwhile makes the note the wrong one, and never the answer.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[InputKind, str], str] = {}
        self._packages = digest_of_packages()
        self._busy = threading.local()

    def take(self) -> Inputs:
        """Return what was read so far."""
        return Inputs(dict(self._seen), self._packages)

    def add_files(self, paths: Iterable[Path]) -> None:
        """Note files that are looked for; they need not be there."""
        for path in paths:
            self.note(InputKind.FILE, path)

    def adopt(self, inputs: Inputs) -> None:
        """Note what was read when something was made that is used now."""
        for key, known in inputs.seen.items():
            self._seen.setdefault(key, known)

    def note(
        self,
        kind: InputKind,
        name: "str | bytes | os.PathLike[Any]",
        *,
        is_own: bool = False,
    ) -> None:
        """Note that something is about to be read.

        `is_own`: it belongs to the project wherever it stands, also where packages are installed.
        """
        if getattr(self._busy, "is_set", False) or getattr(_deaf, "is_set", False):
            # to note something means to read it
            return
        self._busy.is_set = True
        try:
            text = os.fsdecode(name)
            key = (kind, text if kind is InputKind.VARIABLE else os.path.abspath(text))
            if key not in self._seen and (is_own or not _is_foreign(key)) and not _is_compiled(key):
                if kind is InputKind.FILE:
                    key = (kind, _source_of(key[1]))
                self._seen.setdefault(key, kind.take(key[1]))
        finally:
            self._busy.is_set = False

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note what one of the interpreter's audit events tells (Python, "Audit events table")."""
        place = arguments[0] if arguments else None
        if event != "open":
            if place is None or isinstance(place, (str, bytes, os.PathLike)):
                self.note(InputKind.FOLDER, place or ".")
            return
        if not isinstance(place, (str, bytes, os.PathLike)):
            return
        mode, flags = arguments[1:3]
        is_writing = bool(set(mode) & set("wax+")) if isinstance(mode, str) else False
        if not is_writing and not (isinstance(flags, int) and mode is None and flags & _WRITES):
            self.note(InputKind.FILE, place)


_watches: list[InputsWatch] = []
_deaf = threading.local()


@contextlib.contextmanager
def watch_inputs() -> Iterator[InputsWatch]:
    """Yield a watch over what this process reads inside the block."""
    watch = InputsWatch()
    _watches.append(watch)
    try:
        with listening(watch.hear, _EVENTS), _watching_environment(watch):
            yield watch
    finally:
        _watches.remove(watch)


def note_inputs(inputs: Inputs) -> None:
    """Let all that watch know that this was read, when something was made that is used now."""
    for watch in _watches:
        watch.adopt(inputs)


def note_own(kind: InputKind, paths: Iterable[Path]) -> None:
    """Let all that watch know what is read of the project itself."""
    for path in paths:
        for watch in _watches:
            watch.note(kind, path, is_own=True)


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Let nobody hear what this thread reads inside the block: it is none of the project's."""
    before = getattr(_deaf, "is_set", False)
    _deaf.is_set = True
    try:
        yield
    finally:
        _deaf.is_set = before


@contextlib.contextmanager
def watching_places() -> Iterator[None]:
    """Let all that watch know which places are looked at, without being opened.

    The interpreter has no audit event for that, so the functions of `os` are replaced.
    """
    kept = {name: getattr(os, name) for name in ("access", "lstat", "stat")}
    for name, function in kept.items():
        setattr(os, name, _telling(function))
    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(os, name, function)


def _telling(function: Callable[..., Any]) -> Callable[..., Any]:
    def look(path: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(path, (str, bytes, os.PathLike)):
            for watch in _watches:
                watch.note(InputKind.PLACE, path)
        return function(path, *arguments, **options)

    return look


@contextlib.contextmanager
def _watching_environment(watch: InputsWatch) -> Iterator[None]:
    """Tell the watch which variables are read, of the mappings that everybody uses."""
    with _watched(os.environ, watch), _watched(os.environb, watch):
        yield


@contextlib.contextmanager
def _watched(environment: Any, watch: InputsWatch) -> Iterator[None]:
    plain = type(environment)

    class Watched(plain):  # type: ignore[misc, valid-type]  # a class that is known when it runs
        def __getitem__(self, name: Any) -> Any:
            if isinstance(name, str | bytes):
                watch.note(InputKind.VARIABLE, name)
            return super().__getitem__(name)

        def __iter__(self) -> Iterator[Any]:
            watch.note(InputKind.VARIABLE, WHOLE_ENVIRONMENT)
            return iter(super().__iter__())

    environment.__class__ = Watched
    try:
        yield
    finally:
        environment.__class__ = plain


def _is_compiled(key: tuple[InputKind, str]) -> bool:
    """Whether it is where the interpreter keeps, or is about to keep, what it has compiled."""
    kind, path = key
    if kind is not InputKind.PLACE:
        return False
    return "__pycache__" in path or path.startswith(sys.pycache_prefix or os.devnull)


def _source_of(path: str) -> str:
    """Return the source of byte-code, which counts; Python has looked at its size and time."""
    if path.endswith(".pyc"):
        with contextlib.suppress(ValueError):
            return source_from_cache(path)
    return path


def _is_foreign(key: tuple[InputKind, str]) -> bool:
    kind, name = key
    return kind is not InputKind.VARIABLE and f"{name}{os.sep}".startswith(_foreign_places())


@cache
def _foreign_places() -> tuple[str, ...]:
    """Return where nothing of the project stands: what is installed, devices, what is ours."""
    standard = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    own = str(Path(__file__).parent.parent)
    places = [*site_folders(), *standard, own, "/dev", "/proc", "/sys"]
    with contextlib.suppress(RuntimeError):
        places.append(str(cache_folder()))
    return tuple(f"{place}{os.sep}" for place in places)
