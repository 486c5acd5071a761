import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import Result

from safemigrate.lint import FixPlan, plan_fixes
from safemigrate.model import LintResult, Timeline

SCHEMA = "CREATE TABLE recipe (id bigint PRIMARY KEY, name text, price money);\n"
INDEX = "CREATE INDEX by_name ON recipe (name);\n"
CONCURRENT = "CREATE INDEX CONCURRENTLY by_name ON recipe (name);\n"
TABLE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger()), sa.Column("name", sa.Text()))'


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


Read = Callable[[str], str]


@pytest.fixture
def read(folder: ProjectFolder) -> Read:
    """Read a file of the project, line endings as they are."""

    def read(name: str) -> str:
        return (folder.path / name).read_bytes().decode()

    return read


@pytest.fixture
def lint(folder: ProjectFolder, run: Run) -> Run:
    """Lint file.sql over the schema."""
    folder.write("schema.sql", SCHEMA)

    def lint(*arguments: str) -> Result:
        return run("lint", "--schema", "schema.sql", "file.sql", *arguments)

    return lint


def test_fix_changes_the_file_and_reports_on_what_is_left(
    folder: ProjectFolder, lint: Run, read: Read
) -> None:
    folder.write("file.sql", f"{INDEX}DROP INDEX CONCURRENTLY by_price;\nDROP TABLE recipe;\n")
    result = lint("--fix", "--format", "json")
    assert read("file.sql").startswith(CONCURRENT)
    assert "fixed file.sql: non-concurrent-index\n" in result.stderr
    rules = {finding["rule"] for finding in json.loads(result.stdout)["findings"]}
    assert "dropped-table" in rules
    assert "non-concurrent-index" not in rules
    assert result.exit_code == 1


def test_fix_ends_with_0_when_nothing_is_left(folder: ProjectFolder, lint: Run, read: Read) -> None:
    folder.write("file.sql", INDEX + "CREATE INDEX by_price ON recipe (price);\n")
    result = lint("--fix")
    assert result.stderr == "fixed file.sql: non-concurrent-index (2 times)\n"
    assert result.stdout.startswith("No findings")
    assert result.exit_code == 0
    before = read("file.sql")
    again = lint("--fix")
    assert (again.stderr, again.exit_code, read("file.sql")) == ("", 0, before)


def test_what_is_not_fixed_is_said_with_its_place_and_reason(
    folder: ProjectFolder, lint: Run, read: Read
) -> None:
    text = f"SELECT 1;\nBEGIN;\n{INDEX}COMMIT;\n"
    folder.write("file.sql", text)
    result = lint("--fix")
    line = "not fixed file.sql:3: non-concurrent-index: it stands between BEGIN and COMMIT\n"
    assert result.stderr == line
    assert lint("--fix", "--quiet").stderr == ""
    assert read("file.sql") == text
    assert result.exit_code == 1


def test_diff_shows_what_fix_does_and_writes_nothing(
    folder: ProjectFolder, lint: Run, read: Read
) -> None:
    folder.write("file.sql", f"SELECT 1;\n{INDEX}SELECT 2")
    result = lint("--diff")
    assert (
        result.stdout
        == """\
--- file.sql
+++ file.sql
@@ -1,3 +1,3 @@
 SELECT 1;
-CREATE INDEX by_name ON recipe (name);
+CREATE INDEX CONCURRENTLY by_name ON recipe (name);
 SELECT 2
\\ No newline at end of file
"""
    )
    assert (result.exit_code, result.stderr) == (1, "")
    assert read("file.sql") == f"SELECT 1;\n{INDEX}SELECT 2"
    both = lint("--fix", "--diff")
    assert (both.stdout, read("file.sql")) == (result.stdout, f"SELECT 1;\n{INDEX}SELECT 2")


def test_diff_ends_with_0_when_nothing_can_be_fixed(folder: ProjectFolder, lint: Run) -> None:
    folder.write("file.sql", f"BEGIN;\n{INDEX}COMMIT;\n")
    result = lint("--diff")
    assert (result.stdout, result.exit_code) == ("", 0)
    assert "it stands between BEGIN and COMMIT" in result.stderr


def test_diff_is_no_other_format(folder: ProjectFolder, lint: Run) -> None:
    folder.write("file.sql", INDEX)
    result = lint("--diff", "--format", "json")
    assert (result.stdout, result.exit_code) == ("", 2)
    assert '--diff writes a diff, not "json"' in result.stderr


def test_diff_shows_no_password(folder: ProjectFolder, lint: Run) -> None:
    folder.write("file.sql", f"CREATE ROLE chef LOGIN PASSWORD 'hunter2';\n{INDEX}")
    result = lint("--diff")
    assert "+CREATE INDEX CONCURRENTLY" in result.stdout
    assert "hunter2" not in result.stdout


@pytest.fixture
def history(folder: ProjectFolder) -> tuple[str, str]:
    """Two revisions that each build an index, on a table of the first one before them."""
    folder.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    first = folder.revise("bbbb", 'op.create_index("b", "recipe", ["name"])', after="aaaa")
    second = folder.revise("cccc", 'op.create_index("c", "recipe", ["id"])', after="bbbb")
    return first, second


def test_fix_changes_every_revision_of_the_history(
    history: tuple[str, str], run: Run, read: Read
) -> None:
    result = run("lint", "--fix")
    for name in history:
        assert f"fixed {name}: non-concurrent-index\n" in result.stderr
        assert "    with op.get_context().autocommit_block():\n        op.create" in read(name)
    assert "non-concurrent-index" not in result.stdout
    assert run("lint", "--diff").stdout == ""


def test_only_the_files_named_are_changed(history: tuple[str, str], run: Run, read: Read) -> None:
    first, second = map(read, history)
    run("lint", "--fix", history[1])
    assert read(history[0]) == first
    assert read(history[1]) != second


def test_what_one_round_leaves_the_next_one_fixes(
    folder: ProjectFolder, run: Run, read: Read
) -> None:
    folder.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    comment = "# safemigrate: ignore[dropped-table, dropped-column] gone"
    body = f'{comment}\nop.create_index("b", "recipe", ["name"])'
    name = folder.revise("bbbb", body, after="aaaa")
    result = run("lint", "--fix")
    assert "non-concurrent-index\n" in result.stderr
    assert "unused-ignore (2 times)\n" in result.stderr
    assert "safemigrate" not in read(name)
    assert "with op.get_context()" in read(name)


def test_a_file_that_changes_meanwhile_is_an_error_and_stays_as_it_is(
    folder: ProjectFolder, lint: Run, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.write("file.sql", INDEX)

    def plan_and_change(result: LintResult, timeline: Timeline) -> FixPlan:
        path.write_text("SELECT 1;\n", encoding="utf-8")
        return plan_fixes(result, timeline)

    monkeypatch.setattr("safemigrate.cli.fixing.plan_fixes", plan_and_change)
    result = lint("--fix")
    assert result.exit_code == 2
    assert '"file.sql" has changed since it was read' in result.stderr
    assert read("file.sql") == "SELECT 1;\n"


def test_line_endings_stay(folder: ProjectFolder, lint: Run, read: Read) -> None:
    path = folder.write("file.sql", INDEX)
    path.write_bytes(f"SELECT 1;\r\n{INDEX}".replace("\n", "\r\n").encode())
    lint("--fix")
    assert read("file.sql").endswith(CONCURRENT.replace("\n", "\r\n"))


def test_json_says_nothing_of_fixes(folder: ProjectFolder, lint: Run) -> None:
    folder.write("file.sql", INDEX)
    (finding,) = json.loads(lint("--format", "json").stdout)["findings"]
    assert "fix" not in finding
