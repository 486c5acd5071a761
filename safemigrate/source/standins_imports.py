"""Imports of a project whose application is not installed here, answered by stand-ins."""

import contextlib
import importlib.abc
import importlib.machinery
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType, ModuleType

from safemigrate.errors import SafemigrateError
from safemigrate.source.legacy import reading_legacy
from safemigrate.source.standins import StandIn, StandInModule
from safemigrate.source.standins_guards import is_guarded
from safemigrate.source.standins_loading import KeepingLoader, loading_revisions
from safemigrate.source.standins_places import Places
from safemigrate.source.standins_settings import Absent, reading_settings
from safemigrate.source.standins_types import Uses
from safemigrate.source.text import read_revision

__all__ = ["StandIns", "standing_in"]


class StandIns:
    """What took the place of modules while a project was loaded and run.

    `uses`: who is told when a stand-in decides something.
    `missing`: module that is not here → the files of the project that import it.
    `broken`: module of the project that could not be imported whole → why.
    `absent`: what the project reads by name, and that is not there.
    `remarks`: what else the reader should know. `legacy`: spellings that SQLAlchemy 2 took away.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self.uses = Uses()
        self.missing: dict[str, set[str]] = {}
        self.broken: dict[str, str] = {}
        self.absent = Absent(places, self.uses)
        self.remarks: dict[str, None] = {}
        self.legacy: dict[str, None] = {}
        self._kept: dict[str, ModuleType] = {}
        self._path: list[str] = []

    @property
    def lack(self) -> bool:
        """Whether there is anything that is not here."""
        return bool(self.missing or self.broken or not self.absent.is_empty)

    def notices(self, files: Iterable[Path] = ()) -> tuple[str, ...]:
        """Return what the reader of a report should know.

        `files`: of the project, that may import what another one has imported before.
        """
        found = []
        self._see_importers(files)
        by_package = self._by_package()
        for name, importers in sorted(by_package.items()):
            where = self._describe(importers)
            if where:
                found.append(f'"{name}" is not installed here; stand-ins took its place in {where}')
        rest = sorted(one for one, who in by_package.items() if not self._describe(who))
        if rest:
            found.append(
                f"the project's modules import {_list(rest)}, not installed here; stand-ins took "
                "their place"
            )
        broken = [f'"{name}" ({reason})' for name, reason in sorted(self.broken.items())]
        if broken:
            found.append(
                "modules of the project that could not be imported whole, with stand-ins for the "
                f"rest: {_list(broken, 5)}"
            )
        if self.legacy:
            found.append(
                f"the project uses what SQLAlchemy 2 took away ({_list(sorted(self.legacy), 5)}); "
                "it is read as SQLAlchemy 1.4 runs it"
            )
        return (*found, *self.absent.notices(), *self.remarks)

    def see_legacy(self, spelling: str) -> None:
        """Note that something is written for SQLAlchemy 1.4."""
        self.legacy[spelling] = None

    def _see_importers(self, files: Iterable[Path]) -> None:
        """Note who else imports what is missing: a module is looked for but once."""
        if not self.missing:
            return
        names = "|".join(re.escape(one) for one in sorted(self.missing, reverse=True))
        pattern = re.compile(rf"^[ \t]*(?:from|import)[ \t]+({names})(?![\w.])", re.MULTILINE)
        for path in files:
            if path.suffix != ".py":
                continue
            with contextlib.suppress(SafemigrateError):
                text = read_revision(path)
                for found in pattern.finditer(text):
                    if not is_guarded(str(path), text.count("\n", 0, found.start(1)) + 1):
                        self.missing[found[1]].add(str(path))

    def _describe(self, files: set[str]) -> str:
        """Return which of the migrations are among the files; nothing when none is."""
        revisions = [one for one in files if self.places.is_revision(one)]
        words = []
        if any(map(self.places.is_environment, files)):
            words.append("env.py")
        if revisions:
            words.append("1 revision" if len(revisions) == 1 else f"{len(revisions)} revisions")
        return " and ".join(words)

    def _by_package(self) -> dict[str, set[str]]:
        """Return the files by the name that is short and still says what is missing."""
        found: dict[str, set[str]] = {}
        for name, files in self.missing.items():
            above = [name[:end] for end in range(len(name)) if name[end] == "."]
            short = next((one for one in above if one in self.missing), name)
            found.setdefault(short, set()).update(files)
        return found


def _list(names: list[str], most: int = 8) -> str:
    shown = [one if one.startswith('"') else f'"{one}"' for one in names[:most]]
    more = len(names) - most
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


@contextlib.contextmanager
def standing_in(stand_ins: StandIns) -> Iterator[None]:
    """Answer the imports that the project's own code makes and that cannot be answered.

    Modules of the project are imported from its own folders where they lie there; of one that
    raises, what it had defined stays, and the rest is stand-ins. A module that is nowhere is a
    stand-in, unless the import stands where its failure is expected. Imports of installed
    packages are left alone. What only SQLAlchemy 1.4 takes is taken as it does. Afterwards
    sys.path and sys.modules are without the project's modules; they come back when this is
    entered again.
    """
    finder = _Finder(stand_ins)
    before = set(sys.modules)
    path = [*sys.path]
    with _LOCK:
        for name, module in stand_ins._kept.items():  # noqa: SLF001 - of this module
            sys.modules.setdefault(name, module)
        sys.path += [one for one in stand_ins._path if one not in sys.path]  # noqa: SLF001 - as above
        sys.meta_path.insert(0, finder)
    try:
        with (
            reading_legacy(stand_ins.see_legacy),
            reading_settings(stand_ins.absent),
            loading_revisions(stand_ins),
        ):
            yield
    finally:
        with _LOCK:
            with contextlib.suppress(ValueError):
                # foreign code may have made a new list of them
                sys.meta_path.remove(finder)
            for name in set(sys.modules) - before:
                if _is_of(sys.modules[name], stand_ins.places):
                    stand_ins._kept[name] = sys.modules.pop(name)  # noqa: SLF001 - as above
            stand_ins._path = finder.added  # noqa: SLF001 - as above
            for one in finder.added:
                if one not in path and one in sys.path:
                    sys.path.remove(one)


_LOCK = threading.RLock()


def _is_of(module: ModuleType, places: Places) -> bool:
    if isinstance(module, StandInModule):
        return True
    # not getattr(): a module may answer with an error
    file = module.__dict__.get("__file__")
    return isinstance(file, str) and places.has(file)


class _Finder(importlib.abc.MetaPathFinder):
    """Answers before all others, by asking them."""

    def __init__(self, stand_ins: StandIns) -> None:
        self.added = [*stand_ins._path]  # noqa: SLF001 - of this module
        self._stand_ins = stand_ins
        self._asking = threading.local()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how to load the module; None leaves it to the others."""
        if getattr(self._asking, "is_asking", False):
            return None
        importer, is_name = _find_importer()
        if importer is None or not self._stand_ins.places.has(importer.f_code.co_filename):
            return None
        spec = self._ask(fullname, path, target) or self._find_beside(fullname, target)
        importing = (importer.f_code.co_filename, importer.f_lineno)
        if spec is None:
            if is_guarded(*importing):
                return None
            if not is_name:
                return self._stand_in(fullname, importer.f_code.co_filename)
            self._give_name(fullname)
            return None
        if (
            isinstance(spec.loader, importlib.machinery.SourceFileLoader)
            and spec.origin is not None
            and self._stand_ins.places.has(spec.origin)
        ):
            spec.loader = KeepingLoader(fullname, spec.origin, self._stand_ins, importing)
        return spec

    def _ask(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> importlib.machinery.ModuleSpec | None:
        self._asking.is_asking = True
        try:
            for finder in sys.meta_path:
                spec = finder.find_spec(fullname, path, target)
                # a folder without __init__.py is a package only when nothing better is found
                if spec is not None and (spec.loader is not None or path is not None):
                    return spec
        finally:
            self._asking.is_asking = False
        return None

    def _find_beside(
        self, fullname: str, target: ModuleType | None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the module when it lies beside or above the migrations."""
        if "." in fullname:
            return None
        root = self._stand_ins.places.find_root(fullname)
        if root is None or str(root) in self.added:
            return self._ask_any(fullname, target)
        self.added.append(str(root))
        sys.path.append(str(root))
        importlib.invalidate_caches()
        return self._ask(fullname, None, target)

    def _ask_any(
        self, fullname: str, target: ModuleType | None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a namespace package, of which nothing better was found."""
        self._asking.is_asking = True
        try:
            spec = importlib.machinery.PathFinder.find_spec(fullname, None, target)
        finally:
            self._asking.is_asking = False
        places = [] if spec is None else [*(spec.submodule_search_locations or ())]
        own = any(self._stand_ins.places.has(str(Path(one) / "__init__.py")) for one in places)
        return spec if own else None

    def _give_name(self, fullname: str) -> None:
        """Let `from package import name` find a stand-in in a package of the project."""
        package, _, name = fullname.rpartition(".")
        parent = sys.modules.get(package)
        if parent is not None and _is_of(parent, self._stand_ins.places):
            setattr(parent, name, StandIn(fullname, self._stand_ins.uses))

    def _stand_in(self, fullname: str, filename: str) -> importlib.machinery.ModuleSpec:
        self._stand_ins.missing.setdefault(fullname, set()).add(filename)
        loader = _StandInLoader(self._stand_ins.uses)
        return importlib.machinery.ModuleSpec(fullname, loader, is_package=True)


def _find_importer() -> tuple[FrameType | None, bool]:
    """Return the frame of the code that imports, and whether it only looks for a name.

    `from package import name` tries whether the name is a module.
    """
    is_name = False
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - the public ways build the whole stack
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith("<frozen importlib") and name not in _MACHINERY:
            return frame, is_name
        is_name = is_name or frame.f_code.co_name == "_handle_fromlist"
        frame = frame.f_back
    return None, False


_MACHINERY = frozenset({importlib.__file__, __file__})


class _StandInLoader(importlib.abc.Loader):
    def __init__(self, uses: Uses) -> None:
        self._uses = uses

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return StandInModule(spec.name, self._uses)

    def exec_module(self, module: ModuleType) -> None:
        """Leave it empty."""
