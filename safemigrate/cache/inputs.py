"""What a run read, each with a digest of what was there."""

import contextlib
import os
import site
import sys
import sysconfig
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from hashlib import blake2b
from pathlib import Path

__all__ = [
    "WHOLE_ENVIRONMENT",
    "InputKind",
    "Inputs",
    "digest",
    "digest_of_process",
    "digest_of_us",
    "site_folders",
]

_ABSENT = ""
WHOLE_ENVIRONMENT = "*"

# They differ from one shell to the next, and nobody decides anything by them.
_IDLE_VARIABLES = frozenset({"_", "SHLVL", "OLDPWD", "PWD", "WINDOWID", "TERM_SESSION_ID"})
# They are read by the interpreter and the C library, which tell nobody.
_SILENT_VARIABLES = ("LANG", "LC_", "PYTHON", "TZ")


def digest(*parts: str | bytes) -> str:
    """Return a short text that stands for the parts, in this order and no other."""
    hashed = blake2b(digest_size=16)
    for part in parts:
        data = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        hashed.update(len(data).to_bytes(8, "little"))
        hashed.update(data)
    return hashed.hexdigest()


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


def _describe_place(path: str) -> str:
    if os.path.isdir(path):
        return "folder"
    try:
        return f"file of {os.path.getsize(path)} bytes"
    except OSError:
        return _ABSENT


def _digest_variable(name: str) -> str:
    if name == WHOLE_ENVIRONMENT:
        return digest(
            *(f"{key}={os.environ[key]}" for key in sorted({*os.environ} - _IDLE_VARIABLES))
        )
    value = os.environ.get(name)
    return _ABSENT if value is None else digest(value)


class InputKind(Enum):
    """The kinds of input, each with what is taken of it.

    `FILE`: its content. `FOLDER`: the names in it. `PLACE`: whether something is there, and how
    large. `LINK`: where it leads. `VARIABLE`: its value.
    """

    FILE = "file"
    FOLDER = "folder"
    PLACE = "place"
    LINK = "link"
    VARIABLE = "variable"

    @property
    def take(self) -> Callable[[str], str]:
        """What says what is there now, given an absolute path or a name."""
        return _TAKEN[self]


_TAKEN: Mapping[InputKind, Callable[[str], str]] = {
    InputKind.FILE: _digest_file,
    InputKind.FOLDER: _digest_folder,
    InputKind.PLACE: _describe_place,
    InputKind.LINK: os.path.realpath,
    InputKind.VARIABLE: _digest_variable,
}

Seen = Mapping[tuple[InputKind, str], str]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a run read: what was seen of each, and a digest of what is installed."""

    seen: Seen = field(default_factory=dict)
    packages: str = ""

    def are_current(self) -> bool:
        """Return whether a run would read the same now."""
        return self.packages == digest_of_packages() and all(
            kind.take(name) == known for (kind, name), known in self.seen.items()
        )

    def names(self, kind: InputKind) -> frozenset[str]:
        """Return the names of that kind."""
        return frozenset(name for one, name in self.seen if one is kind)

    def divided(self, files: Collection[str], folders: Iterable[str]) -> "tuple[Inputs, Inputs]":
        """Return the inputs without, and with only, those files and those folders."""
        below = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)

        def is_part(kind: InputKind, name: str) -> bool:
            if kind in {InputKind.FILE, InputKind.PLACE} and name in files:
                return True
            return kind is InputKind.FOLDER and f"{name}{os.sep}".startswith(below)

        parts: tuple[dict[tuple[InputKind, str], str], ...] = ({}, {})
        for key, known in self.seen.items():
            parts[is_part(*key)][key] = known
        return Inputs(parts[False], self.packages), Inputs(parts[True], self.packages)

    def joined(self, other: "Inputs") -> "Inputs":
        """Return the inputs of both; what `other` saw of the same counts."""
        return Inputs({**self.seen, **other.seen}, other.packages)


@cache
def digest_of_us() -> str:
    """Return a digest of the code that judges: ours, Python's version, and what is installed.

    Of an installed safemigrate its own files of the installation say it; in a checkout ours do.
    """
    package = Path(__file__).parent.parent
    parts = [sys.version, sys.prefix, str(package), digest_of_packages()]
    if str(package).startswith(tuple(f"{folder}{os.sep}" for folder in site_folders())):
        return digest(*parts)
    for folder, below, names in os.walk(package):
        below.sort()
        for name in sorted(names):
            if name.endswith((".py", ".sql", ".txt")):
                state = os.stat(os.path.join(folder, name))
                parts.append(f"{folder}/{name} {state.st_size} {state.st_mtime_ns}")
    return digest(*parts)


def digest_of_process() -> str:
    """Return a digest of that and of how this process was started."""
    variables = (name for name in sorted(os.environ) if name.startswith(_SILENT_VARIABLES))
    settings = (f"{name}={os.environ[name]}" for name in variables)
    try:
        here = os.getcwd()
    except OSError:
        here = ""  # it was removed, and what is read by a path from there is not found
    return digest(digest_of_us(), here, *sys.path, "", *settings)


def digest_of_packages() -> str:
    """Return a digest of what is installed: names and versions, and when each was put there."""
    found = []
    for folder in site_folders():
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            found += [
                _describe_package(entry)
                for entry in entries
                if entry.name.endswith((".dist-info", ".egg-info", ".egg-link", ".pth"))
            ]
    return digest(*sorted(found))


def _describe_package(entry: "os.DirEntry[str]") -> str:
    """Return what another installation of the same version changes: the list of its files."""
    path = entry.path if entry.name.endswith((".pth", ".egg-link")) else f"{entry.path}/RECORD"
    try:
        state = os.stat(path)
    except OSError:
        return entry.name
    return f"{entry.name} {state.st_size} {state.st_mtime_ns}"


@cache
def site_folders() -> tuple[str, ...]:
    """Return the folders that packages are installed in."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if site.ENABLE_USER_SITE:
        folders.add(site.getusersitepackages())
    return tuple(sorted(folders))
