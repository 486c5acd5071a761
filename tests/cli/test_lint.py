import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from click.testing import Result

TABLE = 'op.create_table("recipe", sa.Column("name", sa.Text()))'
INDEX = 'op.create_index("recipe_name_idx", "recipe", ["name"])'
SQL_INDEX = "CREATE INDEX recipe_name_idx ON recipe (name);\n"


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


@pytest.fixture
def unsafe(folder: ProjectFolder) -> tuple[str, str]:
    """Two revisions; the second builds an index on the table of the first."""
    first = folder.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    second = folder.revise("bbbb", INDEX, 'op.drop_index("recipe_name_idx")', after="aaaa")
    return first, second


def found(result: Result) -> list[tuple[str, str, int, str]]:
    """Return rule, path, line and direction of each finding in a JSON report."""
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return [
        (finding["rule"], finding["path"], finding["line"], finding["direction"])
        for finding in json.loads(result.stdout)["findings"]
    ]


def test_an_unsafe_revision_is_shown_at_its_file_and_line(
    unsafe: tuple[str, str], run: Run
) -> None:
    result = run("lint")
    assert result.exit_code == 1
    assert result.stderr == ""
    assert (
        f"""\
error[non-concurrent-index]: building index "recipe_name_idx" blocks writes to "public.recipe"
 --> {unsafe[1]}:9:5   upgrade(), statement 1 of 1
  |
9 |     {INDEX}
  |     {"^" * len(INDEX)}
  = sql: CREATE INDEX recipe_name_idx ON recipe (name)
  = locks: SHARE on public.recipe
  = blocks: INSERT, UPDATE, DELETE, MERGE
"""
        in result.stdout
    )
    assert "postgresql_concurrently=True" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("Found ")


def test_json_has_the_same_finding(unsafe: tuple[str, str], run: Run) -> None:
    result = run("lint", "--format", "json")
    assert result.exit_code == 1
    assert ("non-concurrent-index", unsafe[1], 9, "upgrade") in found(result)


def test_a_clean_project_ends_with_0_and_one_line(folder: ProjectFolder, run: Run) -> None:
    folder.revise("aaaa", TABLE, 'op.drop_table("recipe")')
    result = run("lint", "--format", "json")
    assert json.loads(result.stdout)["summary"]["errors"] == 0
    assert result.exit_code == 0


def test_only_the_revisions_named_are_reported_on(unsafe: tuple[str, str], run: Run) -> None:
    assert run("lint", unsafe[0]).exit_code == 0
    result = run("lint", "--format", "json", unsafe[1])
    assert {path for _, path, _, _ in found(result)} == {unsafe[1]}
    assert json.loads(result.stdout)["summary"]["statements"] == 2


def test_a_directory_of_revisions_is_all_below_it(unsafe: tuple[str, str], run: Run) -> None:
    whole = run("lint", "--format", "json")
    assert run("lint", "--format", "json", "migrations").stdout == whole.stdout
    assert unsafe[1] in whole.stdout


def test_a_suppression_with_a_reason_silences_the_finding(
    unsafe: tuple[str, str], folder: ProjectFolder, run: Run
) -> None:
    before = found(run("lint", "--format", "json"))
    reason = "# safemigrate: ignore[non-concurrent-index] the table is small\n"
    folder.revise("bbbb", reason + INDEX, 'op.drop_index("recipe_name_idx")', after="aaaa")
    after = found(run("lint", "--format", "json"))
    assert ("non-concurrent-index", unsafe[1], 9, "upgrade") in before
    assert "non-concurrent-index" not in {rule for rule, _, _, _ in after}
    assert "(1 suppressed)" in run("lint").stdout.splitlines()[-1]


def test_sql_files_are_one_history_in_the_order_given(folder: ProjectFolder, run: Run) -> None:
    folder.write("sql/1.sql", "CREATE TABLE recipe (name text);\n")
    folder.write("sql/2.sql", "BEGIN;\n" + SQL_INDEX + "COMMIT;\n")
    result = run("lint", "--format", "json", "sql/1.sql", "sql/2.sql")
    assert ("non-concurrent-index", "sql/2.sql", 2, "upgrade") in found(result)
    assert result.exit_code == 1
    assert run("lint", "--format", "json", "sql").stdout == result.stdout


def test_a_file_named_twice_is_read_once(folder: ProjectFolder, run: Run) -> None:
    folder.write("sql/1.sql", SQL_INDEX)
    once = run("lint", "--format", "json", "sql/1.sql")
    assert run("lint", "--format", "json", "sql/1.sql", "sql").stdout == once.stdout


def test_hidden_folders_and_virtual_environments_are_not_looked_into(
    folder: ProjectFolder, run: Run
) -> None:
    folder.write("db/1.sql", SQL_INDEX)
    folder.write("db/.hidden/x.py", "down_revision = None\n")
    folder.write("db/env/pyvenv.cfg", "")
    folder.write("db/env/x.py", "down_revision = None\n")
    result = run("lint", "--format", "json", "db")
    assert {path for _, path, _, _ in found(result)} == {"db/1.sql"}


def test_the_schema_says_what_was_there_before(folder: ProjectFolder, run: Run) -> None:
    folder.write("schema.sql", "CREATE TABLE recipe (name varchar(50));\n")
    folder.write("1.sql", "ALTER TABLE recipe ALTER COLUMN name TYPE varchar(100);\n")
    without = run("explain", "--format", "json", "1.sql")
    assert json.loads(without.stdout)["statements"][0]["certainty"] == "unknown"
    known = run("explain", "--format", "json", "--schema", "schema.sql", "1.sql")
    statement = json.loads(known.stdout)["statements"][0]
    assert (statement["certainty"], statement["rewrites"]) == ("known", [])


def test_a_dump_of_pg_dump_is_a_schema(folder: ProjectFolder, run: Run) -> None:
    folder.write(
        "schema.sql",
        r"""
        \restrict abc
        SET lock_timeout = 0;
        SELECT pg_catalog.set_config('search_path', '', false);
        CREATE TABLE public.recipe (name text);
        \unrestrict abc
        """,
    )
    folder.write("1.sql", SQL_INDEX)
    assert run("lint", "--schema", "schema.sql", "1.sql").exit_code == 1


def test_strict_ends_with_1_for_a_warning(folder: ProjectFolder, run: Run) -> None:
    folder.write("1.sql", "CREATE TABLE recipe (id bigint PRIMARY KEY, cooked_at timestamp);\n")
    result = run("lint", "--format", "json", "1.sql")
    assert json.loads(result.stdout)["summary"] == {
        "errors": 0,
        "warnings": 1,
        "infos": 0,
        "statements": 1,
        "judged": 1,
        "unjudged": [],
    }
    assert result.exit_code == 0
    assert run("lint", "--strict", "1.sql").exit_code == 1


def test_strict_ends_with_1_for_what_could_not_be_judged(folder: ProjectFolder, run: Run) -> None:
    folder.write("1.sql", "DO LANGUAGE plpython3u $$ pass $$;\n")
    result = run("lint", "1.sql")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == (
        "No findings in 1 migration. Judged 0 of 1 statement: 1 not judged."
    )
    assert "not judged: 1.sql:1: " in result.stdout
    assert run("lint", "--strict", "1.sql").exit_code == 1


def test_a_rule_can_be_turned_down_and_off(folder: ProjectFolder, run: Run) -> None:
    folder.write("1.sql", SQL_INDEX)
    folder.write("safemigrate.toml", '[rules]\nnon-concurrent-index = "info"\n')
    result = run("lint", "--format", "json", "1.sql")
    assert [finding["severity"] for finding in json.loads(result.stdout)["findings"]] == ["info"]
    assert result.exit_code == 0
    folder.write("safemigrate.toml", '[rules]\nnon-concurrent-index = "off"\n')
    assert found(run("lint", "--format", "json", "1.sql")) == []


def test_only_files_changed_since_a_commit_are_reported_on(
    folder: ProjectFolder, unsafe: tuple[str, str], run: Run, git: Callable[..., None]
) -> None:
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "first")
    third = folder.revise("cccc", INDEX.replace("name_idx", "other_idx"), after="bbbb")
    result = run("lint", "--format", "json", "--changed-since", "HEAD")
    assert {path for _, path, _, _ in found(result)} == {third}
    assert json.loads(result.stdout)["summary"]["statements"] == 1
    assert unsafe[1] not in result.stdout
    bad = run("lint", "--changed-since", "nowhere")
    assert bad.exit_code == 2
    assert bad.stderr.startswith('error: git knows no commit "nowhere"\nhint: ')


@pytest.mark.usefixtures("unsafe")
def test_nothing_changed_is_no_finding(run: Run, git: Callable[..., None]) -> None:
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "first")
    result = run("lint", "--changed-since", "HEAD")
    assert result.exit_code == 0
    assert result.stdout == 'nothing to judge: no migration is new or changed since "HEAD"\n'


def test_the_command_runs_as_a_process_of_its_own(folder: ProjectFolder) -> None:
    folder.write("1.sql", SQL_INDEX)
    done = subprocess.run(
        (sys.executable, "-m", "safemigrate", "lint", "1.sql"),
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.startswith("error[non-concurrent-index]: ")
    assert "\x1b" not in done.stdout
