"""Modules and revisions of the project that cannot be run whole here, run as far as they go."""

import ast
import contextlib
import importlib.machinery
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from alembic.util import pyfiles

from safemigrate.errors import SafemigrateError
from safemigrate.source.excerpt import describe
from safemigrate.source.standins import StandIn
from safemigrate.source.standins_guards import is_guarded
from safemigrate.source.standins_types import Uses
from safemigrate.source.text import parse_python, read_revision

if TYPE_CHECKING:
    from safemigrate.source.standins_imports import StandIns

__all__ = ["KeepingLoader", "loading_revisions"]

_ATTEMPT = "__safemigrate_attempt__"


class Attempts:
    """Runs statements of a module, with a stand-in for what a call would give that raises.

    `is_from_helpers`: only where a helper of the project raises, in another file than a revision.
    """

    def __init__(
        self, stand_ins: "StandIns", module: ModuleType, *, is_from_helpers: bool = False
    ) -> None:
        self._stand_ins = stand_ins
        self._module = module
        self._is_from_helpers = is_from_helpers

    def run(self, statement: ast.stmt, path: str) -> None:
        """Run the statement as an import does."""
        code = compile(ast.Module([statement], []), path, "exec")
        exec(code, self._module.__dict__)  # noqa: S102 - as an import does

    def run_carefully(self, statement: ast.stmt, path: str) -> None:
        """Run the statement, one that only defines something, with stand-ins for what it lacks."""
        if not isinstance(statement, ast.AnnAssign | ast.Assign | ast.ClassDef):
            raise TypeError(statement)
        careful = ast.fix_missing_locations(_Careful().visit(statement))
        self._module.__dict__[_ATTEMPT] = self.call
        try:
            self.run(careful, path)
        finally:
            del self._module.__dict__[_ATTEMPT]

    def call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the function; a stand-in is what it gives when it raises."""
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if self._is_from_helpers and not self._comes_from_helper(error):
                raise
            name = getattr(function, "__qualname__", type(function).__qualname__)
            origin = f"{getattr(function, '__module__', '')}.{name}"
            self._stand_ins.uses.say(f'does without what "{origin}" gives, for {describe(error)}')
            return StandIn(origin, self._stand_ins.uses)

    def _comes_from_helper(self, error: BaseException) -> bool:
        places = self._stand_ins.places
        files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)}
        return any(places.has(one) and not places.is_revision(one) for one in files)


class _Careful(ast.NodeTransformer):
    """Lets every call go through `Attempts.call`, but for those that wait in a function's body."""

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """Put the call into an attempt."""
        self.generic_visit(node)
        attempt = ast.copy_location(ast.Name(_ATTEMPT, ast.Load()), node)
        return ast.copy_location(ast.Call(attempt, [node.func, *node.args], node.keywords), node)

    def _leave(self, node: ast.AST) -> ast.AST:
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _leave  # noqa: N815 - as above


@contextlib.contextmanager
def loading_revisions(stand_ins: "StandIns") -> Iterator[None]:
    """Let a revision load inside whose helpers raise for what is not here."""
    original = pyfiles.load_module_py

    def load_module_py(module_id: str, path: Any) -> ModuleType:
        try:
            return original(module_id, path)
        except Exception as error:
            if not stand_ins.lack or not stand_ins.places.is_revision(str(path)):
                raise
            module = _load_carefully(stand_ins, module_id, Path(path))
            if module is None:
                raise error from None
            return module

    pyfiles.load_module_py = load_module_py
    try:
        yield
    finally:
        pyfiles.load_module_py = original


def _load_carefully(stand_ins: "StandIns", module_id: str, path: Path) -> ModuleType | None:
    """Return the module of a revision, None when it cannot be had."""
    module = ModuleType(module_id)
    module.__file__ = str(path)
    attempts = Attempts(stand_ins, module, is_from_helpers=True)
    try:
        tree = parse_python(read_revision(path))
        for statement in tree.body:
            try:
                attempts.run(statement, str(path))
            except Exception:  # noqa: BLE001 - whatever it is, it may do without
                attempts.run_carefully(statement, str(path))
    except Exception:  # noqa: BLE001 - the first error is the one to tell
        return None
    module.__doc__ = ast.get_docstring(tree)
    return module


class KeepingLoader(importlib.machinery.SourceFileLoader):
    """Loads a module of the project, and keeps what it had defined when it raises."""

    def __init__(
        self, fullname: str, path: str, stand_ins: "StandIns", importing: tuple[str, int]
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
        attempts = Attempts(self._stand_ins, module)
        for statement in tree.body:
            if (statement.end_lineno or statement.lineno) < line:
                continue
            if statement.lineno > line:
                with contextlib.suppress(Exception, SystemExit):
                    attempts.run(statement, self.path)
                    continue
            with contextlib.suppress(Exception, SystemExit):
                attempts.run_carefully(statement, self.path)
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
