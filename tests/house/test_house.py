"""What holds for every part of the house."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import safemigrate
from safemigrate import errors
from safemigrate.errors import SafemigrateError

PACKAGE = Path(safemigrate.__file__).parent
MODULES = sorted(
    module.name
    for module in walk_packages(safemigrate.__path__, "safemigrate.")
    if not module.name.endswith("__main__")
)
FILES = sorted(PACKAGE.rglob("*.py"))

LINES = 400


def place(name: str) -> tuple[int, str]:
    """Return where a name stands: constants, then classes, then the rest."""
    kind = 0 if name.isupper() else 1 if name[:1].isupper() else 2
    return kind, name


@pytest.mark.parametrize("name", MODULES)
def test_public_names_are_listed_sorted_and_exist(name: str) -> None:
    module = import_module(name)
    listed = getattr(module, "__all__", [])

    assert listed == sorted(listed, key=place)
    assert [public for public in listed if not hasattr(module, public)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_longer_than_can_be_read(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert lines <= LINES


def error_classes() -> list[type[SafemigrateError]]:
    return [
        thing
        for _, thing in inspect.getmembers(errors, inspect.isclass)
        if issubclass(thing, SafemigrateError)
    ]


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    drawn = dict(re.findall(r"(\w+Error)\s+(?:\(abstract\)|(\d))", errors.__doc__ or ""))

    real = {
        thing.__name__: "" if thing is SafemigrateError else str(int(thing.exit_code))
        for thing in error_classes()
    }
    assert drawn == real


def raised_names(path: Path) -> set[str]:
    """Return the names of the classes that the module raises."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            function = node.exc.func
            if isinstance(function, ast.Name) and function.id[:1].isupper():
                found.add(function.id)
    return found


# Where another library's protocol asks for its own class, or the way out is not an error at all.
FOREIGN = {
    "__init__.py": {"AttributeError"},  # a module says so of what it does not have
    "execute/control.py": {"StopRunError"},  # never leaves the package
    "execute/execution.py": {"StopRunError"},  # never leaves the package
    "execute/lockguard.py": {"StopRunError"},  # as above
    "execute/site.py": {"StopRunError"},  # as above
    "execute/stopping.py": {"StopRunError"},  # as above
    "execute/resume/doubt.py": {"CannotResumeError"},  # never leaves the package
    "execute/resume/replay.py": {"CannotResumeError"},  # as above
    "execute/surroundings.py": {"StopRunError"},  # never leaves the package
    "model/layers.py": {"KeyError"},  # a mapping says so of what it does not have
    "report/__init__.py": {"AttributeError"},  # as above
    "server/container.py": {"ContainerStartException"},  # ends testcontainers' waiting
    "source/__init__.py": {"AttributeError"},  # as above
    "source/connecting.py": {"DisconnectionError"},  # has SQLAlchemy's pool connect anew
    "source/dbapi.py": {"OperationalError"},  # PEP 249 names it
    "source/engines.py": {"NoSuchModuleError"},  # what SQLAlchemy raises for no such dialect
    "source/fence.py": {"FenceError", "RecordingStoppedError"},  # for the code that is fenced in
    "source/fence_process.py": {"RecordingStoppedError"},  # leaves a loop that only sleeps
    "source/inspection_names.py": {"NoSuchTableError"},  # as a server's dialect
    "source/leaving.py": {"SystemExit"},  # for the code that wants the process to end
    "source/missing_operations.py": {"AttributeError"},  # a module says so of what it does not have
    "source/standins.py": {"AttributeError"},  # an object says so of what it does not have
    "source/standins_loading.py": {"AttributeError", "TypeError"},  # as above, and of a loader
    "source/standins_settings.py": {"KeyError"},  # a variable that is not set
    "style/__init__.py": {"AttributeError"},  # a module says so of what it does not have
    "style/literals.py": {"ValueError"},  # never leaves the module
    "style/plugin_rules.py": {"AttributeError"},  # a module says so of what it does not have
    "verify/surroundings/network.py": {"NetworkRefusedError"},  # for the revision's code
    "verify/surroundings/timelimit.py": {"TimeLimitReached"},  # as above
    "testing/__init__.py": {"AttributeError"},  # a module says so of what it does not have
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_our_own_errors_are_raised(path: Path) -> None:
    ours = {thing.__name__ for thing in error_classes()}

    foreign = FOREIGN.get(str(path.relative_to(PACKAGE)), set())
    assert raised_names(path) - ours == foreign


@pytest.mark.parametrize(
    "package", ["model", "sql", "catalog", "facts", "recipes", "rulekit", "rules", "lint", "gate"]
)
def test_what_judges_knows_no_clock_environment_randomness_or_connection(package: str) -> None:
    forbidden = {"time", "datetime", "os", "random", "psycopg", "sqlalchemy", "alembic", "socket"}
    for path in sorted((PACKAGE / package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.partition(".")[0] for name in names} & forbidden, path
