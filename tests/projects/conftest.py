"""Alembic projects as people write them, and how safemigrate is run in a copy of one."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from safemigrate.cli.group import group
from safemigrate.source import tape

SHAPES = Path(__file__).parent / "shapes"
NAMES = sorted(path.name for path in SHAPES.iterdir() if path.is_dir())

# Where a further revision goes, and which one it follows.
_VERSIONS = "migrations/versions"
HEADS = {
    "application_engine": (_VERSIONS, "g3"),
    "async_env": (_VERSIONS, "0004"),
    "autocommit": (_VERSIONS, "k10"),
    "batch": (_VERSIONS, "04"),
    "broken_application": (_VERSIONS, "e3"),
    "broken_files": (_VERSIONS, "x08"),
    "endless_loops": (_VERSIONS, "l5"),
    "enum_library": (_VERSIONS, "v3"),
    "flask_migrate": (_VERSIONS, "f3c"),
    "helpers": (_VERSIONS, "h3"),
    "inspector": (_VERSIONS, "i5"),
    "missing_application": (_VERSIONS, "004"),
    "missing_libraries": (_VERSIONS, "n4"),
    "multi_schema": (_VERSIONS, "a4"),
    "multidb": (_VERSIONS, "d3"),
    "orm_data": (_VERSIONS, "m4"),
    "own_environment": (_VERSIONS, "o3"),
    "pyproject_only": ("db/versions", "t3"),
    "services": (_VERSIONS, "r4"),
    "session_settings": (_VERSIONS, "s5"),
    "several_heads": ("core/versions", "c3"),
    "tangled_history": ("migrations/versions/2024/01", "j2"),
}

# What a user has to say beside, where the configuration is not in the folder itself.
_ARGUMENTS = {"flask_migrate": ("--config", "migrations/alembic.ini")}

# What `lint` and `explain` exit with when they have done what they are for.
_DONE = {0, 1}


@dataclass(frozen=True, slots=True)
class Report:
    """What a command wrote: its JSON as it came, and the lines of standard error."""

    code: int
    text: str
    errors: tuple[str, ...]

    @property
    def notices(self) -> tuple[str, ...]:
        """What the reader should know; beside it stands what the project itself has written."""
        return self._lines("note: ")

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the recording had to assume, each with its place."""
        return self._lines("assumed: ")

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    def _lines(self, mark: str) -> tuple[str, ...]:
        return tuple(line.removeprefix(mark) for line in self.errors if line.startswith(mark))


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a project, which is the current directory, with a cache of its own."""

    name: str
    path: Path

    def lint(self, *arguments: str) -> Report:
        return self.run("lint", "--format", "json", *arguments, *_ARGUMENTS.get(self.name, ()))

    def explain(self, *arguments: str) -> Report:
        return self.run("explain", "--format", "json", *arguments, *_ARGUMENTS.get(self.name, ()))

    def list_files(self) -> dict[str, bytes]:
        """Return the content of every file, but for Python's own byte-code."""
        return {
            str(path.relative_to(self.path)): path.read_bytes()
            for path in sorted(self.path.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Forget what is imported of the project inside, as a process that ends does."""
        known = set(sys.modules)
        try:
            yield
        finally:
            self._forget_modules(known)
            # a relative folder on sys.path is kept there as it was when it was first met
            sys.path_importer_cache.clear()

    def run(self, *arguments: str) -> Report:
        """Run a command line as it is."""
        with self.importing():
            result = CliRunner().invoke(group, arguments, prog_name="safemigrate")
        assert "Traceback" not in result.output
        assert result.exit_code in _DONE, result.output
        return Report(result.exit_code, result.stdout, tuple(result.stderr.splitlines()))

    def _forget_modules(self, known: set[str]) -> None:
        for name in set(sys.modules) - known:
            module = sys.modules[name]
            places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
            if any(str(place).startswith(str(self.path)) for place in places):
                del sys.modules[name]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Copy]:
    """Copy a project by its name, and go there."""

    def make(name: str) -> Copy:
        path = tmp_path / name
        shutil.copytree(SHAPES / name, path, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.chdir(path)
        if name == "endless_loops":
            # cut after less than they would be for a user
            monkeypatch.setattr(tape, "TIME_LIMIT_S", 2)
            monkeypatch.setattr(tape, "REPETITION_LIMIT", 100)
        return Copy(name, path)

    monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    return make


@pytest.fixture(autouse=True)
def without_modules_of_others() -> Iterator[None]:
    """Let no module that another test has imported pass for one of a project."""
    names = {
        path.stem
        for name in NAMES
        for path in (SHAPES / name).iterdir()
        if path.is_dir() or path.suffix == ".py"
    }
    found = [one for one in sys.modules if one.partition(".")[0] in names]
    kept = {one: sys.modules.pop(one) for one in found}
    yield
    sys.modules.update(kept)
