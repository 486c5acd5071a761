"""What a revision imports of the project itself."""

import ast
import re
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from safemigrate.model import OwnImport
from safemigrate.source.standins import StandInModule

__all__ = ["find_own_imports", "list_packages"]

# What may import something other than what nearly every revision does.
_USUAL = r"(?:alembic|sqlalchemy|typing|__future__|collections|datetime|json|uuid)"
_MAY_IMPORT = re.compile(
    rf"(?:^|[;:])[ \t]*(?:from[ \t]+(?!{_USUAL}[. \t])"
    rf"|import[ \t]+(?!{_USUAL}(?:\.[\w.]+)?(?:[ \t]+as[ \t]+\w+)?[ \t]*(?:#.*)?$))",
    re.MULTILINE,
)

_PACKAGE_FOLDERS = frozenset({"site-packages", "dist-packages"})


def find_own_imports(text: str) -> tuple[OwnImport, ...]:
    """Return the modules that the text imports and nobody has installed, in order.

    Those are relative imports, modules that Python finds outside its own folders and those of
    installed packages, and modules it does not find, which may be a library's. An import for type
    checkers is none.
    """
    if not _MAY_IMPORT.search(text):
        # nearly all revisions; to parse them takes longer than to run them
        return ()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ()
    return tuple(dict.fromkeys(_find_own(tree)))


def list_packages(text: str) -> frozenset[str]:
    """Return the top-level modules that the text imports, but Python's own and Alembic's."""
    if not _MAY_IMPORT.search(text):
        return frozenset()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return frozenset()
    named = {module.partition(".")[0] for module, _ in _imports(tree)}
    return frozenset(named - {"", "alembic", "sqlalchemy"} - sys.stdlib_module_names)


def _find_own(tree: ast.AST) -> Iterator[OwnImport]:
    for module, line in _imports(tree):
        package = module.partition(".")[0]
        if not package:
            yield OwnImport(module, line)
        elif _is_missing(package):
            yield OwnImport(module, line, is_found=False)
        elif _is_own(package):
            yield OwnImport(module, line)


def _imports(node: ast.AST) -> Iterator[tuple[str, int]]:
    match node:
        case ast.Import():
            for alias in node.names:
                yield alias.name, node.lineno
        case ast.ImportFrom():
            yield "." * node.level + (node.module or ""), node.lineno
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            for statement in node.orelse:
                yield from _imports(statement)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _imports(child)


def _is_missing(name: str) -> bool:
    """Return whether Python does not find it; a stand-in is there because it did not."""
    if name in sys.stdlib_module_names:
        return False
    if isinstance(sys.modules.get(name), StandInModule):
        return True
    try:
        return find_spec(name) is None
    except (ImportError, ValueError):
        # A module that is being imported, or was put in place by hand, has no spec.
        return False


def _is_own(name: str) -> bool:
    if name in sys.stdlib_module_names:
        return False
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    places = [*(spec.submodule_search_locations or ())] or ([spec.origin] if spec.origin else [])
    return bool(places) and not any(map(_is_installed, places))


def _is_installed(place: str) -> bool:
    path = Path(place)
    return bool(_PACKAGE_FOLDERS.intersection(path.parts)) or any(
        path.is_relative_to(folder) for folder in _folders()
    )


@cache
def _folders() -> tuple[str, ...]:
    """Return the folders of Python itself and of installed packages."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple(sysconfig.get_path(name) for name in names)
