"""Where the code of a project lies, beside its migrations."""

import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

__all__ = ["Places", "find_places"]

_INSTALLED = frozenset({"site-packages", "dist-packages"})
_MARKS = (".git", ".hg", "pyproject.toml", "setup.cfg", "setup.py")


class Places:
    """The folders of a project, and those where its packages are looked for.

    `roots`: folders that may hold a package of the project, the nearest first.
    """

    def __init__(
        self, folders: Iterable[Path], roots: Iterable[Path], locations: Sequence[Path]
    ) -> None:
        self.roots = tuple(dict.fromkeys(roots))
        self._folders = tuple(dict.fromkeys(str(one.resolve()) for one in folders))
        self._script_location, *self._versions = (one.resolve() for one in locations)
        self._known: dict[str, bool] = {}

    def has(self, filename: str) -> bool:
        """Return whether the file is of the project itself, not of what it has installed."""
        known = self._known.get(filename)
        if known is None:
            known = self._known[filename] = self._lies_within(filename)
        return known

    def is_revision(self, filename: str) -> bool:
        """Return whether the file is where the revisions are."""
        return any(Path(filename).resolve().is_relative_to(one) for one in self._versions)

    def is_environment(self, filename: str) -> bool:
        """Return whether the file is the env.py of the migrations."""
        return Path(filename).resolve() == self._script_location / "env.py"

    def _lies_within(self, filename: str) -> bool:
        if not filename.endswith((".py", ".pyc")):
            return False
        path = Path(filename).resolve()
        if path.is_relative_to(_own_folder()):
            return False
        for folder in self._folders:
            if path.is_relative_to(folder):
                inside = path.relative_to(folder).parts
                return not _INSTALLED.intersection(inside) and not _is_standard(path)
        return False

    def find_root(self, name: str) -> Path | None:
        """Return the folder to put on sys.path for a top-level module of that name."""
        return next((root for root in self.roots if _has_module(root, name)), None)


def find_places(locations: Sequence[Path], config_folder: Path, more: Iterable[str]) -> Places:
    """Return where the code of the project is whose revisions are in `locations`.

    `locations`: absolute folders, the script location first. `more`: further folders on sys.path
    that the configuration names.
    """
    found = [one for one in locations if one.is_dir()]
    folders: list[Path] = [*found, *(Path(one).absolute() for one in more)]
    roots: list[Path] = []
    for location in found:
        for folder in _ancestors(location):
            roots += [folder, folder / "src"]
            folders.append(folder)
        package = _enclosing_package(location)
        if package is not None:
            roots.append(package.parent)
            folders.append(package)
    for folder in _ancestors(config_folder):
        roots += [folder, folder / "src"]
        folders.append(folder)
    # what lies in a package is imported through the package
    roots = [one for one in roots if one in found or not (one / "__init__.py").is_file()]
    kept = (one for one in folders if one.name not in _INSTALLED)
    # the innermost first: a project may lie in a folder of installed packages
    return Places(sorted(kept, key=lambda one: -len(one.parts)), roots, locations)


def _ancestors(location: Path) -> Iterator[Path]:
    """Yield the folders from there up to the one that looks like the project's."""
    above = [location, *location.parents]
    for number, folder in enumerate(above, start=1):
        if any((folder / mark).exists() for mark in _MARKS):
            yield from above[:number]
            return
    yield location


def _enclosing_package(location: Path) -> Path | None:
    """Return the topmost package that the folder lies in; folders between may be no packages."""
    top = None
    for folder in [location, *location.parents][:_DEPTH]:
        if (folder / "__init__.py").is_file():
            top = folder
    return top


_DEPTH = 12  # folders from a package to its migrations


def _has_module(root: Path, name: str) -> bool:
    return (root / name / "__init__.py").is_file() or (root / f"{name}.py").is_file()


@cache
def _own_folder() -> Path:
    return Path(__file__).parents[1]


def _is_standard(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _standard_folders())


@cache
def _standard_folders() -> tuple[str, ...]:
    return tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))
