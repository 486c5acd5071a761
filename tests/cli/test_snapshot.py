"""`safemigrate snapshot`, and what is judged with its file."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import TupleRow
from sqlalchemy.engine import make_url

from tests.cli.conftest import ProjectFolder, Run

INDEX = "CREATE INDEX recipe_name_idx ON recipe (name);\n"
RULE = "non-concurrent-index"


@pytest.fixture
def session(database: str) -> Iterator[psycopg.Connection[TupleRow]]:
    plain = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as opened:
        yield opened


@pytest.fixture
def recipes(session: psycopg.Connection[TupleRow]) -> psycopg.Connection[TupleRow]:
    """A database with 300 recipes."""
    session.execute("CREATE TABLE recipe (id bigint PRIMARY KEY, name varchar(50))")
    session.execute("INSERT INTO recipe SELECT n, 'soup' FROM generate_series(1, 300) AS n")
    session.execute("ANALYZE recipe")
    return session


@pytest.mark.usefixtures("recipes", "folder")
def test_the_snapshot_goes_to_standard_output_or_to_a_file(run: Run, database: str) -> None:
    shown = run("snapshot", "--url", database)
    assert shown.exit_code == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert document["version"] == 1
    (table,) = document["tables"]
    assert (table["name"], table["row_count"]) == ("recipe", 300)
    written = run("snapshot", "--url", database, "-o", "snapshot.json")
    assert (written.exit_code, written.stdout) == (0, "")
    assert json.loads(Path("snapshot.json").read_text("utf-8")) == document


@pytest.mark.usefixtures("recipes")
def test_a_snapshot_is_a_schema_with_a_version(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    run("snapshot", "--url", database, "-o", "snapshot.json")
    folder.write("1.sql", "ALTER TABLE recipe ALTER COLUMN name TYPE varchar(100);\n")
    result = run("explain", "--format", "json", "--schema", "snapshot.json", "1.sql")
    (statement,) = json.loads(result.stdout)["statements"]
    assert (statement["certainty"], statement["rewrites"]) == ("known", [])


def test_the_snapshots_version_is_judged_for_when_none_is_given(
    folder: ProjectFolder, run: Run
) -> None:
    folder.write(
        "snapshot.json",
        """
        {"version": 1, "pg_version": 18, "revisions": [], "unread": [],
         "statements": ["CREATE TABLE public.recipe (id bigint)"], "tables": []}
        """,
    )
    # Since 18 a NOT NULL can be NOT VALID.
    folder.write("1.sql", "ALTER TABLE recipe ADD CONSTRAINT a NOT NULL id NOT VALID;\n")
    arguments = ("explain", "--format", "json", "--schema", "snapshot.json")
    newest = run(*arguments, "1.sql").stdout
    assert newest == run(*arguments, "--pg-version", "18", "1.sql").stdout
    folder.write("safemigrate.toml", "pg-version = 14\n")
    configured = run(*arguments, "1.sql").stdout
    assert configured == run(*arguments, "--pg-version", "14", "1.sql").stdout


@pytest.mark.usefixtures("recipes")
def test_a_small_table_lowers_what_lasts(folder: ProjectFolder, run: Run, database: str) -> None:
    run("snapshot", "--url", database, "-o", "snapshot.json")
    folder.write("1.sql", INDEX)
    arguments = ("lint", "--format", "json", "--schema", "snapshot.json", "1.sql")

    def severity() -> str:
        findings = json.loads(run(*arguments).stdout)["findings"]
        return "".join(one["severity"] for one in findings if one["rule"] == RULE)

    assert severity() == "error"
    folder.write("safemigrate.toml", "small-table-rows = 300\n")
    assert severity() == "info"
    folder.write("safemigrate.toml", "small-table-rows = 299\n")
    assert severity() == "error"


TABLE = 'op.create_table("recipe", sa.Column("name", sa.Text()))'
DROP = 'op.drop_table("recipe")'
BUILD = 'op.create_index("recipe_name_idx", "recipe", ["name"])'
UNDO = 'op.drop_index("recipe_name_idx", table_name="recipe")'


def test_a_snapshot_of_a_migrated_database_stands_behind_its_revisions(
    folder: ProjectFolder, run: Run, database: str, session: psycopg.Connection[TupleRow]
) -> None:
    folder.revise("aaaa", TABLE, DROP)
    assert run("upgrade", "--url", database).exit_code == 0
    session.execute("INSERT INTO recipe VALUES ('soup')")
    session.execute("ANALYZE recipe")
    run("snapshot", "--url", database, "-o", "snapshot.json")
    folder.revise("bbbb", BUILD, UNDO, after="aaaa")
    folder.write("safemigrate.toml", "small-table-rows = 1\n")
    result = run("lint", "--format", "json", "--schema", "snapshot.json")
    findings = json.loads(result.stdout)["findings"]
    (found,) = (one for one in findings if one["rule"] == RULE)
    assert (found["revision"], found["severity"]) == ("bbbb", "info")
    assert json.loads(result.stdout)["summary"]["statements"] == 4
    (without,) = (
        one
        for one in json.loads(run("lint", "--format", "json").stdout)["findings"]
        if one["rule"] == RULE
    )
    assert without["severity"] == "error"


def test_a_snapshot_that_is_ahead_of_the_project_is_refused(
    folder: ProjectFolder, run: Run
) -> None:
    folder.revise("aaaa", TABLE, DROP)
    folder.write(
        "snapshot.json",
        '{"version": 1, "pg_version": 18, "revisions": ["ffff"], "unread": [], "statements": [],'
        ' "tables": []}',
    )
    result = run("lint", "--schema", "snapshot.json")
    assert result.exit_code == 2
    assert 'the snapshot "snapshot.json" stands at "ffff"' in result.stderr
    folder.write("1.sql", "SELECT 1;")
    assert run("lint", "--schema", "snapshot.json", "1.sql").exit_code == 0


@pytest.mark.usefixtures("recipes")
def test_without_a_url_env_py_leads_to_the_database(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    ini = (folder.path / "alembic.ini").read_text("utf-8")
    url = make_url(database).render_as_string(hide_password=False).replace("%", "%%")
    folder.write("alembic.ini", "\n".join((*ini.splitlines()[:-1], f"sqlalchemy.url = {url}", "")))
    by_environment = run("snapshot")
    assert by_environment.exit_code == 0, by_environment.stderr
    assert by_environment.stdout == run("snapshot", "--url", database).stdout


@pytest.mark.usefixtures("folder")
def test_a_password_is_shown_nowhere(run: Run) -> None:
    result = run("snapshot", "--url", "postgresql://a:hunter2@localhost:1/b")
    assert result.exit_code == 2
    assert "cannot be reached" in result.stderr
    assert "hunter2" not in result.output


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://a@localhost/b", "is not PostgreSQL"),
        ("postgresql://a@localhost", "the URL names no database"),
        ("nonsense", "the database URL cannot be parsed"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_url_that_is_none_is_an_error_in_words(run: Run, url: str, message: str) -> None:
    result = run("snapshot", "--url", url)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.usefixtures("folder")
def test_a_lock_is_not_waited_for_long(
    run: Run, database: str, recipes: psycopg.Connection[TupleRow]
) -> None:
    with recipes.transaction():
        recipes.execute("LOCK TABLE recipe IN ACCESS EXCLUSIVE MODE")
        result = run("snapshot", "--url", database)
    assert result.exit_code == 3
    assert "gave up waiting for a lock" in result.stderr
    assert run("snapshot", "--url", database).exit_code == 0


def test_a_broken_snapshot_is_an_error_in_words(folder: ProjectFolder, run: Run) -> None:
    folder.write("snapshot.json", "{")
    folder.write("1.sql", INDEX)
    result = run("lint", "--schema", "snapshot.json", "1.sql")
    assert result.exit_code == 2
    assert '"snapshot.json" is not a snapshot' in result.stderr


def test_the_default_schema_is_where_names_are_looked_for(folder: ProjectFolder, run: Run) -> None:
    folder.write("1.sql", "CREATE SCHEMA app;\nCREATE TABLE app.recipe (name text);\n")
    folder.write("2.sql", INDEX)
    arguments = ("explain", "--format", "json", "1.sql", "2.sql")

    def relation() -> str:
        name: str = json.loads(run(*arguments).stdout)["statements"][-1]["locks"][0]["relation"]
        return name

    assert relation() == "public.recipe"
    folder.write("safemigrate.toml", 'default-schema = "app"\n')
    assert relation() == "app.recipe"
