"""The baseline on the command line, and what else an adopter sets."""

import json
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.conftest import ProjectFolder, Run

TABLE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'
DROP = 'op.drop_table("recipe")'
OLD = 'op.create_index("old_idx", "recipe", ["id"])'
NEW = 'op.create_index("new_idx", "recipe", ["id"])'
UNDO = """\
with op.get_context().autocommit_block():
    op.drop_index({!r}, postgresql_concurrently=True)
"""
RULE = "non-concurrent-index"


@pytest.fixture
def adopter(folder: ProjectFolder) -> ProjectFolder:
    """A project whose second revision has an error finding."""
    folder.revise("aaaa", TABLE, DROP)
    folder.revise("bbbb", OLD, UNDO.format("old_idx"), after="aaaa")
    return folder


def add_revision(folder: ProjectFolder) -> str:
    return folder.revise("cccc", NEW, UNDO.format("new_idx"), after="bbbb")


def revisions(result: Result) -> set[str]:
    findings = json.loads(result.stdout)["findings"]
    return {finding["revision"] for finding in findings if finding["rule"] == RULE}


def last_line(result: Result) -> str:
    return result.stdout.splitlines()[-1]


def test_what_is_written_is_left_out_from_then_on(adopter: ProjectFolder, run: Run) -> None:
    written = run("lint", "--write-baseline", "known.json")
    assert written.exit_code == 0, written.output
    assert "in the baseline)" in last_line(written)
    known = json.loads((adopter.path / "known.json").read_text("utf-8"))
    assert RULE in {entry["rule"] for entry in known["findings"]}
    add_revision(adopter)
    result = run("lint", "--baseline", "known.json", "--format", "json")
    assert revisions(result) == {"cccc"}
    assert result.exit_code == 1
    assert revisions(run("lint", "--format", "json")) == {"bbbb", "cccc"}


def test_writing_again_changes_nothing(adopter: ProjectFolder, run: Run) -> None:
    run("lint", "--write-baseline", "known.json")
    first = (adopter.path / "known.json").read_text("utf-8")
    run("lint", "--write-baseline", "known.json", "--baseline", "known.json")
    assert (adopter.path / "known.json").read_text("utf-8") == first


def test_the_configured_baseline_stands_beside_the_configuration(
    adopter: ProjectFolder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopter.write("safemigrate.toml", 'baseline = "below/known.json"\n')
    (adopter.path / "below").mkdir()
    assert run("lint").exit_code == 2
    assert run("lint", "--write-baseline", "below/known.json").exit_code == 0
    assert run("lint").exit_code == 0
    monkeypatch.chdir(adopter.path / "below")
    assert run("lint", "-c", "../alembic.ini").exit_code == 0


def test_the_gate_lets_through_what_is_in_the_baseline(
    adopter: ProjectFolder, run: Run, database: str
) -> None:
    adopter.write("safemigrate.toml", 'baseline = "known.json"\n')
    run("lint", "--write-baseline", "known.json")
    add_revision(adopter)
    refused = run("upgrade", "--url", database)
    assert refused.exit_code == 1
    assert "cccc.py" in refused.stderr
    assert "bbbb.py" not in refused.stderr
    assert run("upgrade", "bbbb", "--url", database).exit_code == 0


def test_findings_that_are_gone_are_noted_where_they_were_looked_for(
    adopter: ProjectFolder, run: Run
) -> None:
    add_revision(adopter)
    run("lint", "--write-baseline", "known.json")
    clean = f"# safemigrate: ignore[{RULE}] small\n{OLD}"
    path = adopter.revise("bbbb", clean, UNDO.format("old_idx"), after="aaaa")
    note = 'note: 1 finding of the baseline "known.json" is not there any more'
    assert note in run("lint", "--baseline", "known.json").stdout
    assert note in run("lint", "--baseline", "known.json", path).stdout
    other = run("lint", "--baseline", "known.json", "migrations/versions/cccc.py")
    assert "not there any more" not in other.stdout
    (adopter.path / "migrations/versions/cccc.py").unlink()
    assert "findings of the baseline" in run("lint", "--baseline", "known.json").stdout


def test_files_of_sql_are_known_by_their_path_from_the_baseline(
    folder: ProjectFolder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("db/1.sql", "CREATE INDEX a ON recipe (name);\n")
    run("lint", "db/1.sql", "--write-baseline", "db/known.json")
    folder.write("db/1.sql", "\n\n\nCREATE INDEX a\n  ON recipe (name);\n")
    assert run("lint", "db/1.sql", "--baseline", "db/known.json").exit_code == 0
    monkeypatch.chdir(folder.path / "db")
    assert run("lint", "1.sql", "--baseline", "known.json").exit_code == 0


def test_a_part_of_a_history_is_no_baseline(adopter: ProjectFolder, run: Run) -> None:
    path = add_revision(adopter)
    result = run("lint", path, "--write-baseline", "known.json")
    assert result.exit_code == 2
    assert "whole history" in result.stderr
    assert not (adopter.path / "known.json").exists()


@pytest.mark.parametrize("option", ["--fix", "--diff"])
@pytest.mark.usefixtures("adopter")
def test_a_baseline_is_not_written_while_fixing(run: Run, option: str) -> None:
    result = run("lint", option, "--write-baseline", "known.json")
    assert result.exit_code == 2
    assert "--write-baseline" in result.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, 'there is no baseline "known.json"'),
        ("{", '"known.json" is not a baseline'),
    ],
)
@pytest.mark.usefixtures("adopter")
def test_a_baseline_that_is_none_is_an_error_in_words(
    run: Run, text: str | None, message: str
) -> None:
    if text is not None:
        Path("known.json").write_text(text, encoding="utf-8")
    result = run("lint", "--baseline", "known.json")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "--write-baseline" in result.stderr


@pytest.mark.usefixtures("adopter")
def test_a_file_that_cannot_be_written_is_an_error_in_words(run: Run) -> None:
    result = run("lint", "--write-baseline", "no/such/folder.json")
    assert result.exit_code == 2
    assert '"no/such/folder.json" cannot be written' in result.stderr


def test_start_after_leaves_history_unjudged_in_lint_and_gate(
    adopter: ProjectFolder, run: Run, database: str
) -> None:
    adopter.write("safemigrate.toml", 'start-after = "bbbb"\n')
    assert run("lint").exit_code == 0
    assert run("upgrade", "--url", database).exit_code == 0
    add_revision(adopter)
    assert revisions(run("lint", "--format", "json")) == {"cccc"}
    assert run("upgrade", "--url", database).exit_code == 1


def test_start_after_a_revision_that_is_not_there_is_an_error(
    adopter: ProjectFolder, run: Run
) -> None:
    adopter.write("safemigrate.toml", 'start-after = "bbbc"\n')
    result = run("lint")
    assert result.exit_code == 2
    assert '"bbbc"' in result.stderr
    assert 'did you mean "bbbb"?' in result.stderr
