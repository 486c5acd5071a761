"""Imports of a project whose application is not installed here, answered by stand-ins."""

import ast
import contextlib
import importlib.abc
import importlib.machinery
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from safemigrate.errors import SafemigrateError
from safemigrate.source.excerpt import describe
from safemigrate.source.legacy import reading_legacy
from safemigrate.source.standins import StandIn, StandInModule
from safemigrate.source.standins_guards import is_guarded
from safemigrate.source.standins_places import Places
from safemigrate.source.standins_types import Uses
from safemigrate.source.text import parse_python, read_revision

__all__ = ["StandIns", "standing_in"]


class StandIns:
    """What took the place of modules while a project was loaded and run.

    `uses`: who is told when a stand-in decides something.
    `missing`: module that is not here → the files of the project that import it.
    `broken`: module of the project that could not be imported whole → why.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self.uses = Uses()
        self.missing: dict[str, set[str]] = {}
        self.broken: dict[str, str] = {}
        self._kept: dict[str, ModuleType] = {}
        self._path: list[str] = []

    def notices(self) -> tuple[str, ...]:
        """Return what the reader of a report should know."""
        found = []
        by_package = self._by_package()
        for name, files in sorted(by_package.items()):
            where = self._describe(files)
            if where:
                found.append(f'"{name}" is not installed here; stand-ins took its place in {where}')
        rest = sorted(one for one, files in by_package.items() if not self._describe(files))
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
        return tuple(found)

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
        with reading_legacy():
            yield
    finally:
        with _LOCK:
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
            spec.loader = _KeepingLoader(fullname, spec.origin, self._stand_ins, importing)
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


class _KeepingLoader(importlib.machinery.SourceFileLoader):
    """Loads a module of the project, and keeps what it had defined when it raises."""

    def __init__(
        self, fullname: str, path: str, stand_ins: StandIns, importing: tuple[str, int]
    ) -> None:
        super().__init__(fullname, path)
        self._stand_ins = stand_ins
        self._importing = importing

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        try:
            super().exec_module(module)
        except (Exception, SystemExit) as error:
            if is_guarded(*self._importing):
                raise
            self._stand_ins.broken[module.__name__] = describe(error)
            _complete(module, self._stand_ins.uses)
            self._go_on(module, _failing_line(error, self.path))

    def _go_on(self, module: ModuleType, line: int) -> None:
        """Run the statements behind the one that raised, with stand-ins for what that defines."""
        try:
            tree = parse_python(read_revision(Path(self.path)))
        except (SafemigrateError, SyntaxError, ValueError, RecursionError):
            return
        for statement in tree.body:
            if (statement.end_lineno or statement.lineno) < line:
                continue
            if statement.lineno > line:
                code = compile(ast.Module([statement], []), self.path, "exec")
                with contextlib.suppress(Exception, SystemExit):
                    exec(code, module.__dict__)  # noqa: S102 - as an import does
                    continue
            for name in _names_bound(statement):
                if name not in module.__dict__:
                    origin = f"{module.__name__}.{name}"
                    module.__dict__[name] = StandIn(origin, self._stand_ins.uses)


def _failing_line(error: BaseException, path: str) -> int:
    """Return the line of the module's own code that raised; beyond the end when there is none."""
    lines = [
        number
        for frame, number in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == path and frame.f_code.co_name == "<module>"
    ]
    return lines[0] if lines else sys.maxsize


def _names_bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement of a module may define."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (one.asname or one.name.partition(".")[0] for one in names)
        case _:
            for node in ast.walk(statement):
                match node:
                    case ast.Name(id=name, ctx=ast.Store()):
                        yield name
                    case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef():
                        if node is not statement:
                            yield from _names_bound(node)


def _complete(module: ModuleType, uses: Uses) -> None:
    """Let everything that the module lacks be a stand-in."""
    before: Any = module.__dict__.get("__getattr__")

    def give(name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name, name=name, obj=module)
        if before is not None:
            with contextlib.suppress(AttributeError):
                found: object = before(name)
                return found
        return module.__dict__.setdefault(name, StandIn(f"{module.__name__}.{name}", uses))

    module.__dict__["__getattr__"] = give
