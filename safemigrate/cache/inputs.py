"""What a run read: files, folders, variables of the environment, and what is installed."""

import contextlib
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from importlib.util import source_from_cache
from pathlib import Path

from safemigrate.cache.audit import listening
from safemigrate.cache.store import cache_folder

__all__ = ["Inputs", "InputsWatch", "digest", "digest_of_us", "watch_inputs"]

_EVENTS = frozenset({"open", "os.listdir", "os.scandir"})
_ABSENT = ""

# They differ from one shell to the next, and nobody decides anything by them.
_IDLE_VARIABLES = frozenset({"_", "SHLVL", "OLDPWD", "PWD", "WINDOWID", "TERM_SESSION_ID"})
_WHOLE_ENVIRONMENT = "*"

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def digest(*parts: str | bytes) -> str:
    """Return a short text that stands for the parts, in this order and no other."""
    hashed = blake2b(digest_size=16)
    for part in parts:
        data = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        hashed.update(len(data).to_bytes(8, "little"))
        hashed.update(data)
    return hashed.hexdigest()


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run read, each with a digest of what was there.

    `files`, `folders`: by absolute path; of a folder the names in it count. `variables`: by name,
    `*` for all of them. `packages`: of what is installed.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    packages: str = ""

    def are_current(self) -> bool:
        """Return whether a run would read the same now."""
        return (
            all(_digest_variable(name) == known for name, known in self.variables.items())
            and all(_digest_folder(path) == known for path, known in self.folders.items())
            and all(_digest_file(path) == known for path, known in self.files.items())
            and self.packages == _digest_packages()
        )

    def divided(self, files: Collection[str], folders: Iterable[str]) -> "tuple[Inputs, Inputs]":
        """Return the inputs without, and with only, those files and what is in those folders."""
        below = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)
        inside = {path for path in self.folders if f"{path}{os.sep}".startswith(below)}
        rest = Inputs(
            {path: known for path, known in self.files.items() if path not in files},
            {path: known for path, known in self.folders.items() if path not in inside},
            self.variables,
            self.packages,
        )
        part = Inputs(
            {path: known for path, known in self.files.items() if path in files},
            {path: known for path, known in self.folders.items() if path in inside},
            packages=self.packages,
        )
        return rest, part

    def joined(self, other: "Inputs") -> "Inputs":
        """Return the inputs of both runs; what `other` saw of the same file counts."""
        return Inputs(
            {**self.files, **other.files},
            {**self.folders, **other.folders},
            {**self.variables, **other.variables},
            other.packages,
        )


class InputsWatch:
    """Notes what is read for as long as `watch_inputs` runs.

    Each digest is of what was there just before it was read for the first time: whoever writes
    meanwhile makes the digest the wrong one, and never the answer.
    """

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        self._variables: dict[str, str] = {}
        self._is_busy = False

    def take(self) -> Inputs:
        """Return what was read so far."""
        return Inputs(
            dict(self._files), dict(self._folders), dict(self._variables), _digest_packages()
        )

    def add_files(self, paths: Iterable[Path]) -> None:
        """Note files that are looked for; they need not be there."""
        for path in paths:
            self._note(self._files, str(path), _digest_file)

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        """Note what one of the interpreter's audit events tells (Python, "Audit events table")."""
        place = arguments[0] if arguments else None
        if event != "open":
            if place is None or isinstance(place, (str, bytes, os.PathLike)):
                self._note(self._folders, os.fspath(place or "."), _digest_folder)
            return
        if not isinstance(place, (str, bytes, os.PathLike)):
            return
        mode, flags = arguments[1:3]
        is_writing = bool(set(mode) & set("wax+")) if isinstance(mode, str) else False
        if not is_writing and not (isinstance(flags, int) and mode is None and flags & _WRITES):
            self._note(self._files, os.fspath(place), _digest_file)

    def hear_variable(self, name: str) -> None:
        """Note that a variable of the environment is about to be read."""
        if not self._is_busy and name not in self._variables:
            with self._at_work():
                self._variables[name] = _digest_variable(name)

    def _note(
        self, known: dict[str, str], place: str | bytes, digest_of: Callable[[str], str]
    ) -> None:
        if self._is_busy:
            return
        with self._at_work():
            path = os.path.abspath(os.fsdecode(place))
            if path in known or path.startswith(_foreign_places()):
                return
            if path.endswith(".pyc"):
                # what counts is the source; Python has looked at its size and time
                with contextlib.suppress(ValueError):
                    path = source_from_cache(path)
            known.setdefault(path, digest_of(path))

    @contextlib.contextmanager
    def _at_work(self) -> Iterator[None]:
        """Be deaf to what is read in order to take a digest."""
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False


@contextlib.contextmanager
def watch_inputs() -> Iterator[InputsWatch]:
    """Yield a watch over what this process reads inside the block."""
    watch = InputsWatch()
    with listening(watch.hear, _EVENTS), _watching_environment(watch):
        yield watch


@contextlib.contextmanager
def _watching_environment(watch: InputsWatch) -> Iterator[None]:
    """Tell the watch which variables are read, of the one mapping that everybody uses."""
    hear = watch.hear_variable
    plain = type(os.environ)

    class Watched(plain):  # type: ignore[misc, valid-type]  # a class that is known when it runs
        def __getitem__(self, name: str) -> str:
            hear(name)
            value: str = super().__getitem__(name)
            return value

        def __iter__(self) -> Iterator[str]:
            hear(_WHOLE_ENVIRONMENT)
            return iter(super().__iter__())

    os.environ.__class__ = Watched
    try:
        yield
    finally:
        os.environ.__class__ = plain


@cache
def digest_of_us() -> str:
    """Return a digest of the code that judges: ours, Python's version, and what is plugged in.

    Of an installed safemigrate the version says it; in a checkout the files do.
    """
    package = Path(__file__).parent.parent
    parts = [sys.version, sys.prefix, str(package)]
    if str(package).startswith(_site_folders()):
        return digest(*parts, _digest_packages())
    for folder, below, names in os.walk(package):
        below.sort()
        for name in sorted(names):
            if name.endswith((".py", ".sql", ".txt")):
                state = os.stat(os.path.join(folder, name))
                parts.append(f"{folder}/{name} {state.st_size} {state.st_mtime_ns}")
    return digest(*parts, _digest_packages())


def _digest_file(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return digest(file.read())
    except OSError:
        return _ABSENT


def _digest_folder(path: str) -> str:
    try:
        return digest(*sorted({*os.listdir(path)} - {"__pycache__"}))
    except OSError:
        return _ABSENT


def _digest_variable(name: str) -> str:
    if name == _WHOLE_ENVIRONMENT:
        return digest(
            *(f"{key}={os.environ[key]}" for key in sorted({*os.environ} - _IDLE_VARIABLES))
        )
    value = os.environ.get(name)
    return _ABSENT if value is None else digest(value)


def _digest_packages() -> str:
    """Return a digest of the names and versions of what is installed, as its folders have them."""
    names = []
    for folder in _site_folders():
        with contextlib.suppress(OSError):
            names += [
                name
                for name in os.listdir(folder)
                if name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth"))
            ]
    return digest(*sorted(names))


@cache
def _site_folders() -> tuple[str, ...]:
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if site.ENABLE_USER_SITE:
        folders.add(site.getusersitepackages())
    return tuple(sorted(folders))


@cache
def _foreign_places() -> tuple[str, ...]:
    """Return where nothing of the project stands: what is installed, devices, what is ours."""
    standard = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    own = str(Path(__file__).parent.parent)
    places = [*_site_folders(), *standard, own, "/dev/", "/proc/", "/sys/", "/etc/"]
    with contextlib.suppress(RuntimeError):
        places.append(str(cache_folder()))
    return tuple(places)
