"""docs/pytest.md says what there is: its commands run, and so do its tests."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from safemigrate.config import load_config
from safemigrate.server import Server
from safemigrate.trace import open_connection
from tests.verify.conftest import Scaffold

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")


def list_blocks(language: str) -> list[str]:
    """Return the code blocks that are in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


COMMANDS = [line for block in list_blocks("sh") for line in block.splitlines()]
(TESTS,) = list_blocks("python")
(SQL,) = list_blocks("sql")
SETTINGS, CHOICES = list_blocks("toml")
OPTIONS = re.findall(r"^\| `(--safemigrate[a-z-]*)` \| (?:`(\w+)` )?\|", TEXT, re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path, embedded_server: Server) -> Path:
    """The project that the page is about."""
    scaffold = Scaffold(tmp_path, embedded_server)
    scaffold.write()
    scaffold.add(
        "3f1a2b4c",
        "CREATE TABLE recipe (id serial PRIMARY KEY, name text)",
        "DROP TABLE recipe",
    )
    scaffold.add("4d5e6f70", "CREATE INDEX by_name ON recipe (name)", "DROP INDEX by_name")
    (tmp_path / "test_recipes.py").write_text(TESTS)
    # as the page has them, but on the server that is there
    server = f"safemigrate_server = '{embedded_server.url('postgres')}'"
    settings = SETTINGS.replace('safemigrate_server = "embedded"', server)
    (tmp_path / "pyproject.toml").write_text(f"{settings}\n{CHOICES}")
    (tmp_path / "statements.json").write_text('[{"query": "SELECT name FROM recipe"}]')
    return tmp_path


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_it_is_shown_for(line: str, project: Path) -> None:
    program, *arguments = shlex.split(line)
    command = [sys.executable, "-m", program, "-p", "no:randomly", "-rA", *arguments]

    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)

    assert program == "pytest"
    assert done.returncode == 0, done.stdout + done.stderr
    named = [one for one in arguments if "::" in one]
    assert all(one in done.stdout for one in named)
    assert ("PASSED" in done.stdout) is ("--collect-only" not in arguments)
    assert ("tests collected" in done.stdout) is ("--collect-only" in arguments)


def test_a_capture_is_written_and_read(project: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:randomly",
        "--safemigrate-capture=new.json",
    ]

    subprocess.run(command, cwd=project, capture_output=True, check=True)

    text = (project / "new.json").read_text()
    assert "INSERT INTO recipe (name) VALUES ('Soup')" in text


def test_the_options_are_those_of_the_plugin(project: Path) -> None:
    help_text = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"],
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert {option for option, _ in OPTIONS} == set(re.findall(r"--safemigrate[\w-]*", help_text))
    assert {name for _, name in OPTIONS if name} == set(
        re.findall(r"^  (safemigrate_\w+) ", help_text, re.MULTILINE)
    )


def test_the_choices_are_choices(project: Path) -> None:
    assert load_config((project,)).verify.old_statements == project / "statements.json"


def test_the_export_is_one(embedded_server: Server) -> None:
    name = embedded_server.create_database()
    with open_connection(embedded_server.url(name)) as connection:
        connection.execute("CREATE TABLE pg_stat_statements (query text, calls bigint)")
        connection.execute("INSERT INTO pg_stat_statements VALUES ('SELECT 1', 2)")
        with connection.cursor().copy(SQL.encode()) as copy:
            exported = b"".join(bytes(piece) for piece in copy)
    embedded_server.drop_database(name)

    assert exported == b"query,calls\nSELECT 1,2\n"
