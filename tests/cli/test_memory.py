"""Reports from memory: the same as made anew, and never of what was before."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.conftest import ENV_PY, ProjectFolder, Run

Outcome = tuple[int, bytes, bytes]
Lint = Callable[..., Outcome]

TABLE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'
INDEX = 'op.create_index("recipe_idx", "recipe", ["id"])'

# Runs the command line as its own process does, and then says what it has imported.
SPYING = """
import atexit, os, sys
modules = os.environ.pop("MODULES")
atexit.register(lambda: print(*sorted(sys.modules), sep="\\n", file=open(modules, "w")))
sys.argv[0] = "safemigrate"
from safemigrate.cli import main
main(prog_name="safemigrate")
"""
HEAVY = {"alembic", "click", "msgspec", "postgast", "psycopg", "rich", "sqlalchemy", "yaml"}


@pytest.fixture
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", str(path))
    return path


@pytest.fixture
def lint(folder: ProjectFolder, cache: Path) -> Lint:
    """Run `safemigrate lint` in a process of its own."""
    folder.revise("one", TABLE)
    folder.revise("two", INDEX, after="one")
    assert not list(cache.iterdir())

    def lint(*arguments: str, command: str = "lint") -> Outcome:
        # as people run it: what the interpreter compiles is written
        unwanted = {"PYTHONDONTWRITEBYTECODE"}
        environment = {name: os.environ[name] for name in os.environ.keys() - unwanted}
        done = subprocess.run(
            (sys.executable, "-c", SPYING, command, *arguments),
            env={**environment, "MODULES": str(list_of_modules(folder))},
            capture_output=True,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return lint


def list_of_modules(folder: ProjectFolder) -> Path:
    """Return where a run says what it has imported: beside the project, which nobody looks at."""
    return folder.path.with_name(f"{folder.path.name}-modules")


def is_remembered(folder: ProjectFolder) -> bool:
    """Return whether the last run was answered from memory."""
    modules = list_of_modules(folder).read_text().splitlines()
    return not HEAVY & {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--format", "json"),
        ("--format", "sarif"),
        ("--quiet",),
        ("migrations/versions/two.py",),
    ],
    ids=" ".join,
)
def test_second_run_imports_next_to_nothing_and_writes_the_same(
    folder: ProjectFolder, lint: Lint, arguments: tuple[str, ...]
) -> None:
    first = lint(*arguments)
    assert first[0] == 1
    assert not is_remembered(folder)

    assert lint(*arguments) == first
    assert is_remembered(folder)
    assert lint("--no-cache", *arguments) == first
    assert not is_remembered(folder)


def test_explanation_is_remembered_too(folder: ProjectFolder, lint: Lint) -> None:
    first = lint(command="explain")

    assert lint(command="explain") == first
    assert is_remembered(folder)


def test_what_the_project_prints_is_written_again(folder: ProjectFolder, lint: Lint) -> None:
    folder.write("migrations/env.py", f"print('from env.py')\n{ENV_PY}")
    first = lint("--format=json")
    assert b"from env.py" in first[2]

    assert lint("--format=json") == first
    assert is_remembered(folder)


CHANGES = {
    "migrations/versions/two.py": None,
    "migrations/versions/three.py": "revision = 'three'\ndown_revision = 'one'\n",
    "migrations/env.py": f"# another\n{ENV_PY}",
    "alembic.ini": "[alembic]\nscript_location = migrations\n# another\n",
    "safemigrate.toml": 'ignore = ["missing-downgrade"]\n',
    "pyproject.toml": "[tool.other]\n",
    "app.py": "A = 2\n",
    "statement.sql": "SELECT 2",
    "maybe.txt": "it is there now",
}


def test_nothing_is_remembered_of_what_was_before(
    folder: ProjectFolder, lint: Lint, run: Run
) -> None:
    folder.write("app.py", "A = 1\n")
    folder.write("statement.sql", "SELECT 1")
    folder.write(
        "migrations/env.py",
        "import sys\nsys.path.insert(0, '.')\nimport app\n"
        "open('statement.sql').read()\n"
        "try:\n    open('maybe.txt')\nexcept FileNotFoundError:\n    pass\n" + ENV_PY,
    )
    lint()
    lint()
    assert is_remembered(folder)

    # env.py is the last, because it then reads the others no more
    for name, text in sorted(CHANGES.items(), key=lambda change: "env.py" in change[0]):
        if text is None:
            (folder.path / name).unlink()
        else:
            folder.write(name, text)
        code, output, _ = lint()

        assert not is_remembered(folder), name
        anew = run("lint", "--no-cache")
        assert (code, output.decode()) == (anew.exit_code, anew.stdout), name


def test_variable_that_env_py_reads_counts(
    folder: ProjectFolder, lint: Lint, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("migrations/env.py", f"import os\nos.getenv('TENANT')\n{ENV_PY}")
    lint()

    monkeypatch.setenv("UNRELATED", "1")
    lint()
    lint()
    assert is_remembered(folder)
    monkeypatch.setenv("TENANT", "1")
    lint()
    assert not is_remembered(folder)


def test_what_writes_files_is_run_each_time(folder: ProjectFolder, lint: Lint) -> None:
    for _ in range(2):
        assert lint("--write-baseline", "baseline.json")[0] == 0
        assert (folder.path / "baseline.json").exists()
        (folder.path / "baseline.json").unlink()
    for _ in range(2):
        assert lint("--diff")[0] == 1
        assert not is_remembered(folder)


def test_mistake_is_told_each_time(folder: ProjectFolder, lint: Lint) -> None:
    first = lint("nowhere.sql")
    assert first[0] == 2

    assert lint("nowhere.sql") == first
    assert not is_remembered(folder)


def test_files_of_sql_are_remembered_with_what_is_before_them(
    folder: ProjectFolder, lint: Lint
) -> None:
    folder.write("changes/1.sql", "CREATE INDEX i ON t (a);")
    folder.write("schema.sql", "CREATE TABLE t (a int);")
    arguments = ("changes", "--schema", "schema.sql")
    first = lint(*arguments)
    assert lint(*arguments) == first
    assert is_remembered(folder)

    folder.write("changes/2.sql", "DROP TABLE t;")
    assert lint(*arguments) != first
    folder.write("schema.sql", "CREATE TABLE t (b int);")
    lint(*arguments)
    assert not is_remembered(folder)


def test_runs_at_once_write_the_same(lint: Lint) -> None:
    expected = lint("--no-cache")
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: lint(), range(8))) == {expected}


@pytest.mark.parametrize("damage", [b"", b"nonsense"])
def test_damaged_memory_is_made_anew(
    folder: ProjectFolder, cache: Path, lint: Lint, damage: bytes
) -> None:
    first = lint()
    for path in cache.rglob("*"):
        if path.is_file():
            path.write_bytes(damage)

    assert lint() == first
    assert not is_remembered(folder)
    assert lint() == first
    assert is_remembered(folder)


def test_run_without_a_place_to_remember_works(
    folder: ProjectFolder, lint: Lint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", os.devnull)

    assert lint() == lint()
    assert not is_remembered(folder)


def test_report_that_cannot_be_written_says_so_from_memory_too(lint: Lint) -> None:
    lint()
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            (sys.executable, "-m", "safemigrate", "lint"),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert done.returncode == 2
    assert b"standard output cannot be written" in done.stderr


def test_catalog_is_not_one_of_statements_that_were_sent_before(
    folder: ProjectFolder, lint: Lint
) -> None:
    folder.write("names.py", 'TABLE = "recipe"\n')
    folder.write("migrations/env.py", "import sys\nsys.path.insert(0, '.')\n" + ENV_PY)
    table = TABLE.replace('"recipe"', "names.TABLE")
    folder.revise("one", f"import names\n{table}")
    assert b'"public.recipe"' in lint("migrations/versions/two.py")[1]

    # the revision itself is as it was
    folder.write("names.py", 'TABLE = "meal"\n')

    assert lint("migrations/versions/two.py") == lint("migrations/versions/two.py", "--no-cache")
