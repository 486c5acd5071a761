"""Bad input gets one clear error with a hint, the right exit code, and no traceback."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import Result

TABLE = 'op.create_table("recipe", sa.Column("name", sa.Text()))'


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


def refused(result: Result, *parts: str) -> None:
    """Assert that the command ended in one clear error that has all the parts."""
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 2, result.stderr
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")
    assert "Traceback" not in result.stderr
    for part in parts:
        assert part in result.stderr


@pytest.fixture(params=["lint", "explain"])
def command(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_missing_alembic_ini(folder: ProjectFolder, run: Run, command: str) -> None:
    refused(run(command, "-c", "nowhere/alembic.ini"), '"nowhere/alembic.ini"')
    (folder.path / "alembic.ini").unlink()
    refused(run(command), '"alembic.ini"')


def test_a_broken_alembic_ini(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.write("alembic.ini", "no section\n")
    refused(run(command), "alembic.ini")


def test_a_missing_script_location(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.write("alembic.ini", "[alembic]\nscript_location = %(here)s/nowhere\n")
    refused(run(command), "nowhere")
    folder.write("alembic.ini", "[alembic]\n")
    refused(run(command), "script_location")


def unjudged(run: Run, command: str, *parts: str) -> None:
    """Assert that one revision is said not to be judged, for these reasons, and others are."""
    result = run(command)
    assert result.exit_code == 0, result.output
    (line,) = [one for one in result.stdout.splitlines() if one.startswith("not judged: ")]
    assert "Traceback" not in result.output
    for part in parts:
        assert part in line
    assert "CREATE TABLE recipe" in run("explain").stdout
    assert run("lint", "--strict").exit_code == 1


def test_a_syntax_error_in_a_revision(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.revise("aaaa", TABLE)
    path = folder.revise("bbbb", "op.execute(", after="aaaa")
    unjudged(run, command, path, "SyntaxError")


def test_an_exception_while_a_revision_is_loaded(
    folder: ProjectFolder, run: Run, command: str
) -> None:
    folder.revise("aaaa", TABLE)
    path = "migrations/versions/bbbb.py"
    folder.write(path, "revision = 'bbbb'\ndown_revision = 'aaaa'\n1 / 0\n")
    unjudged(run, command, f"{path}:3", "ZeroDivisionError")


def test_an_exception_in_upgrade_is_not_judged(folder: ProjectFolder, run: Run) -> None:
    path = folder.revise("aaaa", f'{TABLE}\nraise KeyError("x")')
    result = run("lint")
    assert f"not judged: {path}:10: " in result.stdout
    assert "Traceback" not in result.output
    assert result.exit_code == 0
    assert run("lint", "--strict").exit_code == 1


def test_two_revisions_with_one_id(folder: ProjectFolder, run: Run, command: str) -> None:
    first = folder.revise("aaaa", TABLE)
    second = folder.write(
        "migrations/versions/other.py", (folder.path / first).read_text(encoding="utf-8")
    )
    unjudged(run, command, '"aaaa"', first, second.name)


def test_a_cycle_of_revisions(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.revise("aaaa", TABLE, after="bbbb")
    folder.revise("bbbb", TABLE, after="aaaa")
    refused(run(command), "cycle")


def test_a_revision_that_is_not_utf8(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.revise("aaaa", TABLE)
    path = folder.path / folder.revise("bbbb", TABLE, after="aaaa")
    path.write_bytes(path.read_bytes() + b'name = "\xff"\n')
    unjudged(run, command, "UTF-8", "bbbb.py")


def test_a_sql_file_that_is_not_utf8(folder: ProjectFolder, run: Run, command: str) -> None:
    (folder.path / "1.sql").write_bytes(b"SELECT 1; -- \xff\n")
    refused(run(command, "1.sql"), '"1.sql"', "UTF-8")


def test_sql_that_does_not_parse_is_a_finding_at_its_line(folder: ProjectFolder, run: Run) -> None:
    folder.write("1.sql", "SELECT 1;\n\nCREATE TABEL a (b int);\nSELECT 2;\n")
    result = run("lint", "1.sql")
    assert result.exit_code == 1
    assert "error[syntax-error]" in result.stdout
    assert " --> 1.sql:3:8 " in result.stdout
    assert "Judged 2 of 3 statements: 1 not judged." in result.stdout


def test_an_empty_directory(folder: ProjectFolder, run: Run, command: str) -> None:
    (folder.path / "empty").mkdir()
    refused(run(command, "empty"), '"empty"')


def test_a_path_that_is_not_there(folder: ProjectFolder, run: Run, command: str) -> None:
    del folder
    refused(run(command, "nowhere.sql"), '"nowhere.sql"')


def test_a_file_of_another_kind(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.write("notes.txt", "x\n")
    refused(run(command, "notes.txt"), '"notes.txt"', ".sql")


def test_sql_and_revisions_together(folder: ProjectFolder, run: Run, command: str) -> None:
    path = folder.revise("aaaa", TABLE)
    folder.write("1.sql", "SELECT 1;\n")
    refused(run(command, path, "1.sql"), f'"{path}"', '"1.sql"')


def test_python_that_is_no_revision(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.revise("aaaa", TABLE)
    folder.write("other.py", "x = 1\n")
    refused(run(command, "other.py"), '"other.py"', "--config")
    refused(run(command, "migrations/env.py"), '"migrations/env.py"')


def test_a_directory_of_another_projects_revisions(
    folder: ProjectFolder, run: Run, command: str
) -> None:
    folder.revise("aaaa", TABLE)
    folder.write("other/one.py", "revision = 'x'\ndown_revision = None\n")
    refused(run(command, "other"), '"other"', "--config")


def test_an_unknown_configuration_key(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.write("pyproject.toml", "[tool.safemigrate]\npgversion = 16\n")
    refused(run(command), '"tool.safemigrate.pgversion"', 'did you mean "pg-version"?')


def test_an_unknown_rule_in_the_configuration(
    folder: ProjectFolder, run: Run, command: str
) -> None:
    folder.write("pyproject.toml", '[tool.safemigrate.rules]\nnon-concurent-index = "off"\n')
    refused(
        run(command),
        '"tool.safemigrate.rules.non-concurent-index"',
        'did you mean "non-concurrent-index"?',
    )


def test_a_configuration_that_is_not_toml(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.write("pyproject.toml", "[tool.safemigrate\n")
    refused(run(command), '"pyproject.toml"', "line 1")


def test_a_schema_that_does_not_parse(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.write("1.sql", "SELECT 1;\n")
    folder.write("schema.sql", "SELECT 1;\nCREATE TABEL a ();\n")
    refused(run(command, "--schema", "schema.sql", "1.sql"), '"schema.sql"', "2")


def test_a_schema_that_is_not_there(folder: ProjectFolder, run: Run, command: str) -> None:
    folder.write("1.sql", "SELECT 1;\n")
    refused(run(command, "--schema", "nowhere.sql", "1.sql"), '"nowhere.sql"')


def test_a_version_of_postgresql_we_do_not_know(
    folder: ProjectFolder, run: Run, command: str
) -> None:
    del folder
    result = run(command, "--pg-version", "9")
    assert result.exit_code == 2
    assert "14<=x<=18" in result.stderr


@pytest.mark.parametrize(
    "break_it",
    [
        lambda folder: (folder.path / "alembic.ini").unlink(),
        lambda folder: (
            folder.revise("aaaa", TABLE, after="bbbb")
            and folder.revise("bbbb", TABLE, after="aaaa")
        ),
        lambda folder: folder.write("safemigrate.toml", "x = 1\n"),
    ],
    ids=["no configuration of Alembic", "a cycle", "an unknown key"],
)
def test_a_process_ends_the_same_way(
    folder: ProjectFolder, break_it: Callable[[ProjectFolder], object]
) -> None:
    break_it(folder)
    done = subprocess.run(
        (sys.executable, "-m", "safemigrate", "lint"),
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["error", "hint"]
