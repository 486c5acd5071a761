"""`safemigrate review`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow
from sqlalchemy.engine import make_url

from safemigrate.review import list_checks
from tests.cli.conftest import ProjectFolder, Run

DOCS = Path(__file__).parents[2] / "docs" / "review.md"
BAD = 'op.execute("CREATE TABLE recipe (name varchar(50), at timestamp)")'
GOOD = 'op.execute("CREATE TABLE recipe (id bigint PRIMARY KEY, name varchar(50))")'
DROP = 'op.execute("DROP TABLE recipe")'


@pytest.fixture
def session(database: str) -> Iterator[psycopg.Connection[TupleRow]]:
    plain = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as opened:
        yield opened


@pytest.fixture
def schema(session: psycopg.Connection[TupleRow]) -> psycopg.Connection[TupleRow]:
    """A database with an error and a warning."""
    session.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    session.execute("CREATE TABLE recipe (name text, at timestamp)")
    return session


@pytest.mark.usefixtures("embedded_server")
def test_the_head_of_the_project_is_reviewed_on_a_throwaway_server(
    folder: ProjectFolder, run: Run
) -> None:
    folder.revise("r1", BAD, DROP)
    result = run("review")
    assert result.exit_code == 1, result.output
    blocks = result.stdout.split("\n\n")
    assert blocks[0].splitlines()[0] == "error: table-without-primary-key (keys)"
    assert "  - public.recipe: no primary key" in blocks[0]
    assert any("  - public.recipe.at: timestamp without time zone" in block for block in blocks)
    *_, skipped, last = result.stdout.splitlines()
    assert skipped.startswith("Not asked, for a throwaway server has neither rows nor statistics: ")
    assert "unused-index" in skipped
    assert last.startswith("1 error, 1 warning and ")
    assert last.endswith(" of the project's head (embedded), PostgreSQL 18.")


@pytest.mark.usefixtures("embedded_server")
def test_a_history_may_start_from_a_seed(folder: ProjectFolder, run: Run) -> None:
    folder.write("old.sql", "CREATE TABLE recipe (id bigint);\n")
    folder.write("safemigrate.toml", '[verify]\nseed = "old.sql"\n')
    folder.revise("r1", 'op.execute("ALTER TABLE recipe ADD at timestamp")')
    result = run("review")
    assert result.exit_code == 1, result.output
    assert "public.recipe.at" in result.stdout


@pytest.mark.usefixtures("embedded_server")
def test_infos_alone_are_no_failure(folder: ProjectFolder, run: Run) -> None:
    folder.revise("r1", GOOD, DROP)
    result = run("review")
    assert result.exit_code == 0, result.output
    assert "info: limited-text (types)" in result.stdout


@pytest.mark.usefixtures("embedded_server")
def test_a_revision_that_fails_is_named(folder: ProjectFolder, run: Run) -> None:
    folder.revise("r1", 'op.execute("SELECT 1 / 0")')
    result = run("review")
    assert result.exit_code == 2
    assert 'revision "r1" fails: ' in result.stderr
    assert "22012" in result.stderr


@pytest.mark.usefixtures("schema")
def test_a_database_is_reviewed_by_its_url(run: Run, database: str) -> None:
    result = run("review", "--url", database, "--format", "json")
    assert result.exit_code == 1, result.stderr
    document = json.loads(result.stdout)
    assert document["version"] == 1
    assert document["subject"] == f'database "{make_url(database).database}"'
    (error,) = [one for one in document["findings"] if one["severity"] == "error"]
    assert error == {
        "check": "table-without-primary-key",
        "number": "R001",
        "severity": "error",
        "category": "keys",
        "object": "public.recipe",
        "detail": "no primary key",
        "key": "",
        "why": "A table has no primary key",
        "fix": list_checks()["table-without-primary-key"].fix,
    }
    summary = document["summary"]
    assert (summary["errors"], summary["warnings"]) == (1, 1)
    assert (summary["checks"], summary["skipped"]) == (len(list_checks()), [])


@pytest.mark.usefixtures("schema")
def test_the_url_may_come_from_the_environment(
    run: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_URL", database)
    assert "public.recipe" in run("review").stdout


def test_a_database_is_only_read(
    schema: psycopg.Connection[TupleRow], run: Run, database: str
) -> None:
    query = "SELECT max(xmin::text::bigint) FROM pg_class"
    before = schema.execute(query).fetchone()
    run("review", "--url", database)
    assert schema.execute(query).fetchone() == before


def test_a_role_that_may_only_connect_can_review(
    schema: psycopg.Connection[TupleRow], run: Run, database: str
) -> None:
    role = f"{make_url(database).database}_reader"
    schema.execute(f'CREATE ROLE "{role}" LOGIN')
    try:
        as_reader = make_url(database).set(username=role).render_as_string(hide_password=False)
        result = run("review", "--url", as_reader)
        assert result.exit_code == 1, result.stderr
        assert "public.recipe: no primary key" in result.stdout
    finally:
        schema.execute(f'DROP ROLE "{role}"')


def test_checks_are_chosen_by_name_and_by_category(
    schema: psycopg.Connection[TupleRow], run: Run, database: str
) -> None:
    schema.execute("COMMENT ON TABLE recipe IS 'what is cooked'")

    def found(*options: str) -> set[str]:
        shown = run("review", "--url", database, "--format", "json", *options)
        return {one["check"] for one in json.loads(shown.stdout)["findings"]}

    assert found("--select", "keys") == {"table-without-primary-key"}
    assert found("--select", "timestamp-without-time-zone") == {"timestamp-without-time-zone"}
    assert found("--select", "keys", "--select", "types", "--ignore", "keys") == {
        "timestamp-without-time-zone"
    }
    wrong = run("review", "--url", database, "--select", "nonsense")
    assert wrong.exit_code == 2
    assert '"nonsense" is neither a check of schemas nor a category of them' in wrong.stderr


def test_a_baseline_holds_what_there_was(
    schema: psycopg.Connection[TupleRow], folder: ProjectFolder, run: Run, database: str
) -> None:
    written = run("review", "--url", database, "--write-baseline", "known.json")
    assert written.exit_code == 0, written.output
    assert "left out, as the baseline has them" in written.stdout
    schema.execute("CREATE TABLE second (a int)")
    later = run("review", "--url", database, "--baseline", "known.json", "--select", "keys")
    assert later.exit_code == 1
    assert "public.second" in later.stdout
    assert "public.recipe" not in later.stdout
    folder.write("known.json", '{"version": 1, "findings": [{"rule": "x"}]}')
    wrong = run("review", "--url", database, "--baseline", "known.json")
    assert wrong.exit_code == 2
    assert '"known.json" is not a baseline of a review: ' in wrong.stderr
    folder.write("known.json", '{"version": 9, "findings": []}')
    newer = run("review", "--url", database, "--baseline", "known.json")
    assert '"known.json" is a baseline of version 9' in newer.stderr
    gone = run("review", "--url", database, "--baseline", "gone.json")
    assert gone.exit_code == 2
    assert 'there is no baseline "gone.json"' in gone.stderr


@pytest.mark.usefixtures("folder")
def test_two_places_at_once_are_refused(run: Run, database: str) -> None:
    result = run("review", "--url", database, "--server", "embedded")
    assert result.exit_code == 2
    assert "--url reviews a database, and --server" in result.stderr


@pytest.mark.usefixtures("embedded_server")
def test_an_explicit_server_is_stronger_than_the_environment(
    folder: ProjectFolder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_URL", "postgresql://nobody@localhost:1/nothing")
    folder.revise("r1", GOOD, DROP)
    assert run("review", "--server", "embedded").exit_code == 0


def test_a_database_that_is_not_there_is_named(run: Run) -> None:
    result = run("review", "--url", "postgresql://nobody:secret@localhost:1/nothing")
    assert result.exit_code == 2
    assert "cannot be reached" in result.stderr
    assert "secret" not in result.output
    assert run("review", "--url", "postgresql://localhost").exit_code == 2


def test_a_table_that_is_locked_is_waited_for_and_given_up(
    schema: psycopg.Connection[TupleRow], run: Run, database: str
) -> None:
    schema.execute("CREATE INDEX ON recipe (lower(name))")
    with schema.transaction():
        schema.execute("LOCK TABLE recipe IN ACCESS EXCLUSIVE MODE")
        result = run("review", "--url", database, "--select", "indexes")
    assert result.exit_code == 3, result.output
    assert "gave up waiting for a lock" in result.stderr


def test_the_checks_are_listed(run: Run) -> None:
    result = run("review", "--checks")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == len(list_checks())
    assert lines[0].split()[:4] == ["R001", "table-without-primary-key", "error", "keys"]


def table_of_checks() -> str:
    rows = [
        f"| {one.number} | `{one.name}` | {one.severity.value} | {one.category.value} "
        f"| {'yes' if one.is_gate else ''} | {one.sentence} |"
        for one in list_checks().values()
    ]
    head = ["| | check | severity | category | `verify` | what it finds |", "|" + "---|" * 6]
    return "\n".join([*head, *rows])


def test_the_page_lists_every_check_as_it_is() -> None:
    text = DOCS.read_text("utf-8")
    before, rest = text.split("<!-- checks -->\n")
    table, after = rest.split("\n<!-- end of checks -->")
    if os.environ.get("SAFEMIGRATE_WRITE_DOCS"):
        whole = f"{before}<!-- checks -->\n{table_of_checks()}\n<!-- end of checks -->{after}"
        DOCS.write_text(whole, "utf-8")
    assert table == table_of_checks()
