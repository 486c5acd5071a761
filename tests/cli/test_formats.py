"""`lint --format` gives the same findings to every reader."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result

from safemigrate.report import LINT_FORMATS
from tests.report.readback import READERS

PROGRAMS = [name for name in LINT_FORMATS if name != "text"]

TABLE = 'op.create_table("recipe", sa.Column("name", sa.Text()))'
UNSAFE = """\
op.create_index("recipe_name_idx", "recipe", ["name"])
op.add_column("recipe", sa.Column("price", sa.Float()))
op.execute("CREATE ROLE größe PASSWORD 's3cret'")
# safemigrate: ignore[dropped-table] it is not here
op.execute("SELECT 1")
"""
SQL = """\
CREATE TABLE "größe" (a int);
CREATE INDEX "a|b" ON "t<`>" (a);
ALTER TABLE u ADD b timestamp; ALTER TABLE u ALTER c SET NOT NULL;
ALTER ROLE x PASSWORD 's3cret' NONSENSE;
DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'x'; END $$;
"""


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


@pytest.fixture
def project(folder: ProjectFolder) -> None:
    """Two revisions, the second with findings, a notice and a password."""
    folder.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    folder.revise("bbbb", UNSAFE, 'op.drop_index("recipe_name_idx")', after="aaaa")
    env = (folder.path / "migrations/env.py").read_text(encoding="utf-8")
    before = "    context.configure(connection=connection)\n"
    assert before in env
    change = '    connection.exec_driver_sql("CREATE TABLE s (a int)")\n'
    folder.write("migrations/env.py", env.replace(before, change + before))


@pytest.fixture
def sql_file(folder: ProjectFolder) -> str:
    """A file of SQL with all kinds of findings, its name hard to write down."""
    name = "changes\\1|<ä>:2,3%.sql"
    folder.write(name, SQL)
    return name


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("format_", PROGRAMS)
def test_revisions_have_the_same_findings(run: Run, format_: str) -> None:
    text, other = run("lint"), run("lint", "--format", format_)
    expected = sorted(READERS["text"](text.stdout))
    assert {one.rule for one in expected} >= {"non-concurrent-index", "unused-ignore"}
    assert sorted(READERS[format_](other.stdout)) == expected
    assert other.exit_code == text.exit_code == 1


@pytest.mark.parametrize("format_", PROGRAMS)
def test_files_of_sql_have_the_same_findings(sql_file: str, run: Run, format_: str) -> None:
    text, other = run("lint", sql_file), run("lint", sql_file, "--format", format_)
    expected = sorted(READERS["text"](text.stdout))
    assert {one.rule for one in expected} >= {"set-not-null-scan", "syntax-error"}
    assert {one.path for one in expected} == {sql_file}
    assert sorted(READERS[format_](other.stdout)) == expected


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("format_", PROGRAMS)
def test_standard_output_holds_the_document_alone(run: Run, format_: str) -> None:
    result = run("lint", "--format", format_)
    assert result.stderr == "note: env.py itself changes the schema, which is not judged\n"
    assert "note: " not in result.stdout
    assert run("lint", "--format", format_, "--quiet").stderr == ""


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("format_", LINT_FORMATS)
def test_no_format_shows_a_password(sql_file: str, run: Run, format_: str) -> None:
    for paths in ((), (sql_file,)):
        result = run("lint", *paths, "--format", format_)
        assert result.stdout
        assert "s3cret" not in result.output


@pytest.mark.parametrize("format_", LINT_FORMATS)
def test_a_clean_history_has_a_document_too(folder: ProjectFolder, run: Run, format_: str) -> None:
    folder.revise("aaaa", "pass")
    result = run("lint", "--format", format_)
    assert result.exit_code == 0
    assert [*READERS[format_](result.stdout)] == []
    assert result.stdout.endswith("\n")


@pytest.mark.parametrize("format_", LINT_FORMATS)
def test_a_name_that_is_not_utf_8_does_no_harm(
    folder: ProjectFolder, run: Run, format_: str
) -> None:
    path = os.fsencode(folder.path) + b"/\xff.sql"
    Path(os.fsdecode(path)).write_text(SQL, encoding="utf-8")
    result = run("lint", os.fsdecode(path), "--format", format_)
    assert result.exit_code == 1
    assert [*READERS[format_](result.stdout)] != []
    assert "bug of safemigrate" not in result.stderr


def test_junit_has_no_suite_for_what_is_not_judged(folder: ProjectFolder, run: Run) -> None:
    folder.revise("aaaa", "pass")
    second = folder.revise("bbbb", "pass", after="aaaa")
    folder.write("pyproject.toml", '[tool.safemigrate]\nstart-after = "aaaa"\n')
    document = run("lint", "--format", "junit").stdout
    root = ET.fromstring(document.encode())  # noqa: S314 - our own report
    assert [suite.attrib["name"] for suite in root] == [second]


@pytest.mark.usefixtures("project")
def test_junit_has_a_suite_for_what_was_asked_for(run: Run) -> None:
    path = "migrations/versions/aaaa.py"
    document = run("lint", path, "--format", "junit").stdout
    root = ET.fromstring(document.encode())  # noqa: S314 - our own report
    assert [suite.attrib["name"] for suite in root] == [path]


@pytest.mark.parametrize("format_", ["json", "sarif", "gitlab", "junit"])
def test_a_document_is_utf_8_on_any_terminal(sql_file: str, format_: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "safemigrate", "lint", sql_file, "--format", format_],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 1, done.stderr
    if format_ == "junit":
        root = ET.fromstring(done.stdout)  # noqa: S314 - our own report
        assert root[0].attrib["name"] == sql_file
    else:
        assert "ä" in json.dumps(json.loads(done.stdout), ensure_ascii=False) or (
            "%C3%A4" in done.stdout.decode()
        )


def test_an_unknown_format_is_refused_with_those_there_are(run: Run) -> None:
    result = run("lint", "--format", "html")
    assert result.exit_code == 2
    assert all(f"'{name}'" in result.stderr for name in LINT_FORMATS)
