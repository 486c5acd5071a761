"""What a layout of migrations is: which file runs when, in which direction, and how."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from safemigrate.errors import SourceError
from safemigrate.source.excerpt import show_path
from safemigrate.source.sql_tools.folders import Folder
from safemigrate.source.sql_tools.scripts import Wrapping

__all__ = ["Fault", "Found", "Layout", "Part", "Step", "check_unique", "list_names"]


@dataclass(frozen=True, slots=True)
class Part:
    """What a tool runs out of one file in one direction.

    `regions`: the character offsets between which it stands; None for the whole file. `line`: the
    1-based line it begins at.
    """

    file: Path
    wrapping: Wrapping
    regions: tuple[tuple[int, int], ...] | None = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a tool would not run a file as it is, and the 1-based line."""

    file: Path
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """One migration: its way up and its way down, where there is one."""

    up: Part | None
    down: Part | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The migrations of a folder in the order the tool runs them, and what to say about them.

    `ignored`: files that the tool does not run.
    """

    steps: tuple[Step, ...]
    notices: tuple[str, ...] = ()
    ignored: tuple[Path, ...] = ()


class Layout(Protocol):
    """How one tool keeps its migrations.

    `name`: the tool. `rule`: its transactions, in words.
    """

    name: str
    rule: str

    def recognises(self, folder: Folder) -> bool:
        """Return whether the folder is one of the tool's."""

    def read(self, folder: Folder) -> Found:
        """Return what is in it; raises SourceError when its order cannot be told."""


def check_unique(name: str, files: Iterable[tuple[str, Path]]) -> None:
    """Raise SourceError when two of the files have the same version."""
    seen: dict[str, Path] = {}
    for version, file in files:
        other = seen.setdefault(version, file)
        if other != file:
            raise SourceError(
                f'"{show_path(other)}" and "{show_path(file)}" are both version "{version}"',
                f"{name} refuses a version that is there twice; give one of them another",
            )


def list_names(paths: Sequence[Path], limit: int = 3) -> str:
    """Return the names of the first files, in quotes."""
    names = [f'"{path.name}"' for path in paths[:limit]]
    return ", ".join(names) + (", …" if len(paths) > limit else "")
