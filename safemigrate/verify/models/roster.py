"""The process that runs env.py, then imports the application's other modules, and tells tables.

It reads a request from standard input and writes a line of JSON for each step, the last of them
with what it found.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table

from safemigrate.errors import SafemigrateError
from safemigrate.source.alembic_config import read_config
from safemigrate.source.environment import run_environment
from safemigrate.source.excerpt import describe
from safemigrate.source.fence import Attempt
from safemigrate.source.loading import list_folders
from safemigrate.source.project import Project
from safemigrate.source.quarantine import quarantine
from safemigrate.source.stopping import RecordingStoppedError
from safemigrate.verify.models.finding import read_target_metadata

__all__ = ["main"]

Tell = Callable[[dict[str, object]], None]

# Modules that are run, or that test: they may bring tables that no database has.
_NOT_OURS = frozenset({"__main__", "conftest", "setup", "test", "tests"})


def main() -> None:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    # what foreign code prints goes elsewhere
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")

    def tell(line: dict[str, object]) -> None:
        print(json.dumps(line), file=output, flush=True)

    try:
        tell(_answer(Path(request["config"]), request["url"], tell))
    except SafemigrateError as error:
        tell({"error": error.message})


def _answer(path: Path, url: str, tell: Tell) -> dict[str, object]:
    tell({"step": "running env.py"})
    config = read_config(path)
    # the revisions are not loaded: a model that only one of them imports counts as missing
    script = ScriptDirectory.from_config(config)
    metadatas = _run_env(Project(path, config, script), url)
    if not metadatas:
        return {"has_metadata": False}
    before = {(id(one), key) for one in metadatas for key in one.tables}
    packages = sorted(_find_packages(metadatas))
    skipped = {
        Path(script.env_py_location).resolve(),
        *(one.resolve() for one in list_folders(script)),
    }
    came_with: dict[tuple[int, str], str] = {}
    failed: list[tuple[str, str]] = []
    names = [name for package in packages for name in _list_modules(sys.modules[package], skipped)]
    with quarantine(is_silent=True, on_attempt=_ignore):
        for name in names:
            tell({"step": f"importing {name}"})
            try:
                import_module(name)
            except (Exception, SystemExit, RecordingStoppedError) as error:  # noqa: BLE001 - whatever it raises
                failed.append((name, describe(error)))
            for one in metadatas:
                for key in one.tables:
                    came_with.setdefault((id(one), key), name)
    unregistered = [
        (key, _find_home(one.tables[key]) or came_with[id(one), key])
        for one in metadatas
        for key in sorted(one.tables)
        if (id(one), key) not in before
    ]
    return {
        "unregistered": unregistered,
        "failed": failed,
        "packages": packages,
        "count": len(names) - len(failed),
    }


def _run_env(project: Project, url: str) -> tuple[MetaData, ...]:
    found: list[MetaData] = []

    def work(heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        del heads
        found.extend(one for one in read_target_metadata(context) if one not in found)
        return iter(())

    with quarantine(is_silent=True):
        run_environment(project, work, url=url, is_throwaway=True)
    return tuple(found)


def _ignore(attempt: Attempt) -> None:
    """Let the module that tried fail, or not; it is named where it does."""
    del attempt


def _find_packages(metadatas: Iterable[MetaData]) -> set[str]:
    """Return the packages that models are in, or the metadata itself where there are none."""
    tables = {id(table) for one in metadatas for table in one.tables.values()}
    wanted = tables or {id(one) for one in metadatas}
    homes = {
        name
        for name, module in tuple(sys.modules.items())
        for value in _list_values(module)
        if {id(value), id(_look(value, "__table__")), id(_look(value, "metadata"))} & wanted
    }
    tops = {name.partition(".")[0] for name in homes} - {"__main__", "alembic", "sqlalchemy"}
    return {one for one in tops if hasattr(sys.modules.get(one), "__path__")}


def _find_home(table: Table) -> str | None:
    """Return the module that the table's class, or the table itself, is in."""
    holders = [
        (str(_look(value, "__module__") or name), name)
        for name, module in tuple(sys.modules.items())
        for value in _list_values(module)
        if value is table or _look(value, "__table__") is table
    ]
    # another module may have imported it from there
    return next(
        (home for home, name in holders if home == name), next((n for _, n in holders), None)
    )


def _list_values(module: ModuleType | None) -> list[object]:
    return list(getattr(module, "__dict__", {}).values())


def _look(value: object, name: str) -> object:
    """Return an attribute of a class, or of a table; None where looking is not harmless."""
    if isinstance(value, type):
        try:
            found: object = getattr(value, name, None)
        except Exception:  # noqa: BLE001 - whatever a metaclass raises
            return None
        return found
    return None


def _list_modules(package: ModuleType, skipped: set[Path]) -> Iterator[str]:
    """Yield the modules below a package, those of folders without `__init__.py` as well."""
    for place in dict.fromkeys(package.__path__):
        yield from _walk(Path(place), package.__name__, skipped)


def _walk(folder: Path, prefix: str, skipped: set[Path]) -> Iterator[str]:
    for path in sorted(folder.iterdir()):
        stem = path.stem if path.suffix == ".py" else path.name
        if not stem.isidentifier() or path.resolve() in skipped or _is_not_ours(stem):
            continue
        name = f"{prefix}.{stem}"
        if path.is_dir():
            inside = [*_walk(path, name, skipped)]
            if inside or (path / "__init__.py").is_file():
                yield name
            yield from inside
        elif path.suffix == ".py" and stem != "__init__":
            yield name


def _is_not_ours(stem: str) -> bool:
    return stem in _NOT_OURS or stem.startswith("test_") or stem == "__pycache__"


if __name__ == "__main__":
    main()
