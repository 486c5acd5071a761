"""The pytest plugin, in sessions of its own on real servers."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from safemigrate.server import Server
from tests.verify.conftest import Scaffold

# pytester moves the home, where a cluster is kept
CACHE = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
MARKER = "# safemigrate: accept[old-statements-work] no release reads it\n"
TESTS = """
import sqlalchemy as sa

def query(url, sql):
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        return connection.execute(sa.text(sql)).scalar()
"""


class Session:
    """A folder with a project, and pytest run in it."""

    def __init__(self, pytester: pytest.Pytester, server: Server) -> None:
        self.pytester = pytester
        self.scaffold = Scaffold(pytester.path, server)
        self.scaffold.write()
        self.url = server.url("postgres")

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest on the shared server, in the order of the files; apart if xdist does."""
        given = ("-p", "no:randomly", "-rA", "--safemigrate-server", self.url, *arguments)
        if "-n" in arguments:
            return self.pytester.runpytest_subprocess(*given)
        return self.pytester.runpytest_inprocess(*given)

    def write_tests(self, text: str) -> None:
        self.pytester.makepyfile(TESTS + dedent(text))


@pytest.fixture
def session(
    pytester: pytest.Pytester, embedded_server: Server, monkeypatch: pytest.MonkeyPatch
) -> Session:
    """A project of two revisions, of which the second drops a column."""
    monkeypatch.setenv("XDG_CACHE_HOME", CACHE)
    monkeypatch.delenv("SAFEMIGRATE_REQUIRE_SERVER", raising=False)
    session = Session(pytester, embedded_server)
    session.scaffold.add(
        "aa01", "CREATE TABLE person (id serial PRIMARY KEY, age integer)", "DROP TABLE person"
    )
    session.scaffold.add(
        "bb02", "ALTER TABLE person DROP COLUMN age", "ALTER TABLE person ADD COLUMN age integer"
    )
    return session


@pytest.fixture(params=[(), ("-n", "2")], ids=" ".join)
def workers(request: pytest.FixtureRequest) -> Iterator[tuple[str, ...]]:
    """Without xdist, and with it."""
    return request.param  # type: ignore[no-any-return]  # one of the above


ROUND_TRIP = {"PASSED alembic.ini::history::round-trip"}
SELECTED = ("--safemigrate", "--safemigrate-select=applies", "--safemigrate-select=compatibility")


def test_each_property_of_each_revision_is_a_test(
    session: Session, workers: tuple[str, ...]
) -> None:
    result = session.run(*SELECTED, *workers)

    result.assert_outcomes(passed=4, failed=1, skipped=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    told = {line.split(" - ")[0] for line in result.outlines if line.startswith(("PASS", "FAIL"))}
    assert (
        told
        == {
            "PASSED alembic.ini::aa01::applies",
            "PASSED alembic.ini::aa01::old-statements-work",
            "PASSED alembic.ini::bb02::applies",
            "FAILED alembic.ini::bb02::old-statements-work",
        }
        | ROUND_TRIP
    )


def test_the_tests_of_a_revision_are_a_group_of_xdist(session: Session) -> None:
    session.pytester.makeconftest(
        """
        def pytest_collection_finish(session):
            for item in session.items:
                (group,) = item.get_closest_marker("xdist_group").args
                print(item.nodeid, "is in", group)
        """
    )

    result = session.run(*SELECTED, "--collect-only", "-s")

    result.stdout.fnmatch_lines(
        [
            "alembic.ini::aa01::applies is in safemigrate-aa01",
            "alembic.ini::aa01::old-statements-work is in safemigrate-aa01",
            "alembic.ini::bb02::applies is in safemigrate-bb02",
            "alembic.ini::history::round-trip is in safemigrate-history",
        ]
    )


def test_a_failure_says_what_and_where_and_shows_nothing_of_ours(session: Session) -> None:
    result = session.run(*SELECTED)

    result.stdout.fnmatch_lines(
        [
            "* bb02::old-statements-work *",
            "old-statements-work: on the new schema SELECT from public.person fails: 42703: *",
            "    INSERT into public.person: fails: 42703: *",
            'help: add first*"# safemigrate: accept[[]old-statements-work] REASON"*',
            "migrations/versions/bb02.py:1",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*safemigrate/testing*")


def test_what_needs_a_file_is_skipped_with_the_reason(session: Session) -> None:
    result = session.run(*SELECTED)

    result.stdout.fnmatch_lines(
        ["SKIPPED * migrations/versions/bb02.py:1: no file says what the new release sends; *"]
    )


def test_what_is_accepted_passes_and_says_why(session: Session) -> None:
    path = session.scaffold.path("bb02")
    path.write_text(MARKER + path.read_text())

    result = session.run(*SELECTED)

    result.assert_outcomes(passed=5, skipped=2)
    result.stdout.fnmatch_lines(
        ["old-statements-work: on the new schema *; accepted: no release reads it"]
    )


def test_tests_are_chosen_by_id_by_word_and_by_marker(session: Session) -> None:
    by_id = session.run("--safemigrate", "alembic.ini::bb02::applies")
    by_revision = session.run(*SELECTED, "alembic.ini::aa01")
    by_word = session.run(*SELECTED, "-k", "aa01 and applies")
    by_marker = session.run(*SELECTED, "-m", "not safemigrate")

    by_id.assert_outcomes(passed=1)
    by_revision.assert_outcomes(passed=2, skipped=1)
    by_word.assert_outcomes(passed=1, deselected=6)
    by_marker.assert_outcomes(deselected=7)


def test_what_failed_last_is_run_alone(session: Session) -> None:
    session.run(*SELECTED)

    result = session.run(*SELECTED, "--lf")

    result.assert_outcomes(failed=1, deselected=6)


def test_nothing_is_started_to_list_the_tests(session: Session) -> None:
    session.url = "postgresql://nobody@127.0.0.1:1/nowhere"

    result = session.run("--safemigrate", "--collect-only", "-q")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["alembic.ini::aa01::keeps-rows", "alembic.ini::bb02::keeps-rows"])
    result.stdout.fnmatch_lines(["alembic.ini::history::single-head"])
    result.stdout.no_fnmatch_line("*::same-on-majors")


def test_a_server_that_is_not_there_fails_every_test(
    session: Session, workers: tuple[str, ...]
) -> None:
    session.url = "postgresql://nobody@127.0.0.1:1/nowhere"

    result = session.run(*SELECTED, *workers)

    result.assert_outcomes(failed=7)
    result.stdout.fnmatch_lines(['"127.0.0.1:1" cannot be reached: *', "hint: *"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_what_follows_a_revision_that_fails_is_one_failure_each(session: Session) -> None:
    session.scaffold.add("cc03", "CREATE TABLE person (id integer)", None)
    session.scaffold.add("dd04", "CREATE TABLE town (id integer)", None)

    result = session.run(*SELECTED, "-k", "cc03 or dd04")

    result.assert_outcomes(failed=2, skipped=4, deselected=7)
    result.stdout.fnmatch_lines(
        [
            "FAILED alembic.ini::cc03::applies*",
            "FAILED alembic.ini::dd04::applies*",
        ]
    )
    alone = session.run(*SELECTED, "alembic.ini::dd04::old-statements-work")
    alone.assert_outcomes(failed=1)


def test_the_way_back_to_base_is_a_test(session: Session) -> None:
    session.scaffold.add("cc03", "CREATE TABLE town (id integer)", None)

    result = session.run(*SELECTED, "alembic.ini::history::round-trip")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED *: not every revision can be rolled back: cc03*"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--safemigrate-config=gone.ini",), "*there is no Alembic configuration*gone.ini*"),
        (("--safemigrate-select=nonsense",), '*names "nonsense", which is neither a property*'),
    ],
)
def test_a_mistake_is_told_before_anything_runs(
    session: Session, arguments: tuple[str, ...], message: str
) -> None:
    result = session.run("--safemigrate", *arguments)

    assert result.ret in {pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERRUPTED}
    (result.stderr if "gone" in message else result.stdout).fnmatch_lines([message])


def test_a_project_that_cannot_be_read_is_one_error(session: Session) -> None:
    session.scaffold.path("bb02").write_text("def broken(:\n")

    result = session.run("--safemigrate")

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*bb02.py*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_pytest_s_own_configuration_says_where_and_what(session: Session) -> None:
    inner = session.pytester.path / "db"
    inner.mkdir()
    (session.pytester.path / "alembic.ini").rename(inner / "alembic.ini")
    (session.pytester.path / "migrations").rename(inner / "migrations")
    session.pytester.makepyprojecttoml(
        """
        [tool.pytest]
        testpaths = ["tests"]
        safemigrate_config = "db/alembic.ini"
        safemigrate_select = ["applies"]

        [tool.safemigrate.verify]
        select = ["compatibility"]
        """
    )
    (session.pytester.path / "tests").mkdir()

    result = session.run("--safemigrate")

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["PASSED db/alembic.ini::aa01::applies*"])


def test_the_choices_of_the_project_count(session: Session) -> None:
    (session.pytester.path / "pyproject.toml").write_text(
        '[tool.safemigrate.verify]\nselect = ["old-statements-work"]\nold-statements = "old.sql"\n'
    )
    (session.pytester.path / "old.sql").write_text("SELECT id FROM person")

    session.run("--safemigrate").assert_outcomes(passed=3)


@pytest.mark.parametrize("arguments", [("-p", "no:safemigrate"), ()])
def test_without_the_option_nothing_of_it_is_there(
    session: Session, arguments: tuple[str, ...]
) -> None:
    session.pytester.makepyfile(
        """
        import sys

        def test_nothing_heavy_is_imported():
            heavy = {"alembic", "sqlalchemy", "psycopg", "yaml", "msgspec"}
            assert not heavy & set(sys.modules)
        """
    )

    result = session.pytester.runpytest_subprocess(*arguments, "-W", "error")

    result.assert_outcomes(passed=1)


def test_without_the_plugin_its_option_is_none(session: Session) -> None:
    result = session.pytester.runpytest_subprocess("-p", "no:safemigrate", "--safemigrate")

    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_each_test_has_a_database_for_itself(session: Session) -> None:
    session.write_tests(
        """
        def test_one(migrated_database):
            query(migrated_database, "INSERT INTO person DEFAULT VALUES RETURNING id")
            assert query(migrated_database, "SELECT count(*) FROM person") == 1

        def test_two(migrated_database):
            assert query(migrated_database, "SELECT count(*) FROM person") == 0
            names = "SELECT count(*) FROM pg_database WHERE datname LIKE 'safemigrate%'"
            # its own, and the one that is copied
            mine = "SELECT current_database()"
            assert query(migrated_database, mine).startswith("safemigrate")

        def test_an_older_one(revision_database, migrated_database):
            older = revision_database("aa01")
            assert query(older, "SELECT count(age) FROM person") == 0
            assert query(older, "SELECT version_num FROM alembic_version") == "aa01"
            assert query(migrated_database, "SELECT version_num FROM alembic_version") == "bb02"
            assert revision_database("aa01") != older

        def test_an_empty_one(revision_database):
            assert query(revision_database("base"), "SELECT to_regclass('person')") is None
        """
    )

    session.run().assert_outcomes(passed=4)
    session.run("-n", "2").assert_outcomes(passed=4)


def test_no_database_is_left(session: Session, embedded_server: Server) -> None:
    session.write_tests("def test_one(migrated_database): pass")
    with embedded_server.session() as connection:
        listed = "SELECT datname FROM pg_database ORDER BY 1"
        before = connection.execute(listed).fetchall()

        session.run(*SELECTED).assert_outcomes(passed=5, failed=1, skipped=2)

        assert connection.execute(listed).fetchall() == before


def test_an_embedded_server_is_started_where_none_is_named(session: Session) -> None:
    session.write_tests(
        """
        def test_one(migrated_database):
            assert query(migrated_database, "SELECT count(*) FROM person") == 0
        """
    )

    session.pytester.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zz", '*"zz" does not name a revision of this project*'),
        ("cc03", '*the migrations cannot be applied: *relation "person" already exists*'),
    ],
)
def test_a_database_that_cannot_be_made_is_told(session: Session, name: str, message: str) -> None:
    session.scaffold.add("cc03", "CREATE TABLE person (id integer)", None)
    session.write_tests(f"def test_one(revision_database): revision_database({name!r})")

    result = session.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*safemigrate/testing*")


QUERIES = """
def test_queries(migrated_database, capture_queries):
    query(migrated_database, "INSERT INTO person DEFAULT VALUES RETURNING id")
    query(migrated_database, "SELECT count(*) FROM person")
    assert len(capture_queries) == 2
    assert capture_queries.statements[1] == "SELECT count(*) FROM person"
    capture_queries.clear()
    query("sqlite://", "SELECT 1")
    assert capture_queries.statements == []

def test_values(migrated_database):
    engine = sa.create_engine(migrated_database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        insert = sa.text("INSERT INTO person (id) VALUES (:id)")
        connection.execute(insert, [{"id": 7}, {"id": 8}])
        connection.execute(sa.text("CREATE TABLE other (a bytea)"))
        connection.execute(sa.text("/* why */ SELECT :a, :b"), {"a": None, "b": b"x"})

def test_migrations_are_not_the_application_s(revision_database, monkeypatch):
    from alembic import command
    from alembic.config import Config

    config = Config("alembic.ini")
    config.set_main_option("sqlalchemy.url", revision_database("base").replace("%", "%%"))
    command.upgrade(config, "heads")
"""


def test_what_tests_send_is_captured(session: Session, workers: tuple[str, ...]) -> None:
    session.write_tests(QUERIES)

    result = session.run("--safemigrate-capture=sent.json", *workers)

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["safemigrate: 4 statements of 5 calls are in *sent.json"])
    content = json.loads((session.pytester.path / "sent.json").read_text())
    statements = {one["sql"]: one for one in content["statements"]}
    assert content["version"] == 1
    assert set(statements) == {
        "INSERT INTO person DEFAULT VALUES RETURNING id",
        "SELECT count(*) FROM person",
        "INSERT INTO person (id) VALUES (%(id)s)",
        "/* why */ SELECT %(a)s, %(b)s",
    }
    many = statements["INSERT INTO person (id) VALUES (%(id)s)"]
    assert many["calls"] == 2
    assert many["examples"] == [
        {"id": {"value": "7", "type": "int2"}},
        {"id": {"value": "8", "type": "int2"}},
    ]
    assert statements["/* why */ SELECT %(a)s, %(b)s"]["examples"] == [
        {"a": {"value": None}, "b": {"value": "\\x78", "type": "bytea"}}
    ]


def test_what_was_captured_is_what_verify_takes(session: Session) -> None:
    session.write_tests(QUERIES)
    session.run("--safemigrate-capture=sent.json").assert_outcomes(passed=3)
    session.scaffold.add("cc03", "ALTER TABLE person RENAME COLUMN id TO key", None)
    (session.pytester.path / "pyproject.toml").write_text(
        '[tool.safemigrate.verify]\nold-statements = "sent.json"\n'
    )

    result = session.run("--safemigrate", "alembic.ini::cc03::old-statements-work")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ['*on the new schema sent.json, statement 1 fails: 42703: column "id" does not exist']
    )


def test_a_capture_of_nothing_writes_nothing(session: Session) -> None:
    session.write_tests("def test_nothing(): pass")

    result = session.run("--safemigrate-capture=sent.json")

    result.stdout.fnmatch_lines(["safemigrate: no statement was captured*"])
    assert not (session.pytester.path / "sent.json").exists()


def test_a_capture_that_cannot_be_written_fails_the_run(session: Session) -> None:
    session.write_tests(QUERIES)

    result = session.run("--safemigrate-capture=gone/sent.json")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["*sent.json cannot be written: no such file or directory"])
