"""What `upgrade` refuses, and what it takes to run it all the same; `downgrade` refuses nothing."""

import json

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.cli.conftest import ProjectFolder, Run

TABLE = 'op.create_table("recipe", sa.Column("name", sa.Text()))'
DROP = 'op.drop_table("recipe")'
INDEX = 'op.create_index("recipe_name_idx", "recipe", ["name"])'
DROP_INDEX = 'op.drop_index("recipe_name_idx", table_name="recipe")'
REASON = "the table is empty until release 42"


def has(url: str, relation: str) -> bool:
    target = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(target) as session:
        (found,) = session.execute("SELECT to_regclass(%s) IS NOT NULL", (relation,)).fetchall()
    return found == (True,)


@pytest.fixture
def unsafe(folder: ProjectFolder) -> ProjectFolder:
    """A project with error findings in both directions of its second revision."""
    folder.revise("aaaa", TABLE, DROP)
    folder.revise("bbbb", INDEX, DROP_INDEX, after="aaaa")
    return folder


@pytest.mark.usefixtures("unsafe")
def test_a_pending_error_is_shown_and_refused(run: Run, database: str) -> None:
    result = run("upgrade", "--url", database)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "error[non-concurrent-index]: " in result.stderr
    assert "migrations/versions/bbbb.py:9:5" in result.stderr
    error, hint = result.stderr.splitlines()[-2:]
    assert error == "error: 1 error finding in 1 pending revision, nothing was changed"
    assert "rewrite" in hint
    assert "# safemigrate: ignore[non-concurrent-index] the reason" in hint
    assert '--override "the reason"' in hint
    assert not has(database, "recipe")


@pytest.mark.usefixtures("unsafe")
def test_what_is_not_pending_does_not_matter(run: Run, database: str) -> None:
    result = run("upgrade", "aaaa", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert "bbbb" not in result.stderr


def test_a_suppressed_error_is_let_through(unsafe: ProjectFolder, run: Run, database: str) -> None:
    reason = f"# safemigrate: ignore[non-concurrent-index] {REASON}\n"
    unsafe.revise("bbbb", reason + INDEX, DROP_INDEX, after="aaaa")
    assert run("upgrade", "--url", database).exit_code == 0


def test_the_configuration_counts(unsafe: ProjectFolder, run: Run, database: str) -> None:
    unsafe.write("safemigrate.toml", '[rules]\nno-such-rule = "off"\n')
    assert run("upgrade", "--url", database).exit_code == 2
    unsafe.write("safemigrate.toml", '[rules]\nnon-concurrent-index = "off"\n')
    assert run("upgrade", "--url", database).exit_code == 0


def test_what_cannot_be_judged_is_said_and_let_through(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    code = "if op.get_bind().scalar(sa.text('SELECT relname FROM pg_class')) is None:\n    pass\n"
    # what no server is
    code += "if op.get_bind().dialect.driver == 'recording':\n    1 / 0"
    folder.revise("aaaa", f"{TABLE}\n{code}", DROP)
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert "not judged: migrations/versions/aaaa.py:13: ZeroDivisionError" in result.stderr
    assert "assumed: migrations/versions/aaaa.py:10: reads from the database" in result.stderr


@pytest.mark.usefixtures("unsafe")
def test_an_override_runs_it_and_is_kept_in_the_history(run: Run, database: str) -> None:
    result = run("upgrade", "--override", f" {REASON} ", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert "error[non-concurrent-index]: " in result.stderr
    assert f"warning: 1 error finding overridden: {REASON}" in result.stderr.splitlines()
    assert has(database, "recipe_name_idx")
    history = run("history", "--url", database).stdout
    assert history.count(f"    findings overridden: {REASON}\n") == 2
    document = json.loads(run("history", "--format", "json", "--url", database).stdout)
    assert [one["override"] for one in document["runs"]] == [REASON, REASON]


@pytest.mark.usefixtures("unsafe")
def test_an_override_of_nothing_is_not_kept(run: Run, database: str) -> None:
    result = run("upgrade", "aaaa", "--override", REASON, "--url", database)
    assert result.exit_code == 0
    assert "overridden" not in result.stderr
    document = json.loads(run("history", "--format", "json", "--url", database).stdout)
    assert [one["override"] for one in document["runs"]] == [""]


@pytest.mark.usefixtures("unsafe")
@pytest.mark.parametrize("reason", ["", "  \t\n"])
def test_an_override_needs_a_reason(run: Run, database: str, reason: str) -> None:
    result = run("upgrade", "--override", reason, "--url", database)
    assert result.exit_code == 2
    error, hint = result.stderr.splitlines()
    assert error == "error: the reason of --override is empty"
    assert hint.startswith("hint: ")
    assert not has(database, "recipe")


@pytest.mark.usefixtures("unsafe")
def test_a_downgrade_shows_what_is_found_and_goes_on(run: Run, database: str) -> None:
    assert run("upgrade", "--override", REASON, "--url", database).exit_code == 0
    result = run("downgrade", "base", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert "error[non-concurrent-drop-index]: " in result.stderr
    warning = "warning: 1 error finding in what is taken back; a downgrade runs all the same"
    assert warning in result.stderr.splitlines()
    assert not has(database, "recipe")
    document = json.loads(run("history", "--format", "json", "--url", database).stdout)
    assert [one["override"] for one in document["runs"]] == [REASON, REASON, "", ""]
