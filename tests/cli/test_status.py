"""`safemigrate status` and `history`."""

from __future__ import annotations

import getpass
import json
import re
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING, Protocol

import psycopg
import pytest
from sqlalchemy.engine import make_url

from safemigrate.execute.deploylock import deploy_lock_key

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

CREATE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


@pytest.fixture(autouse=True)
def revisions(folder: ProjectFolder) -> None:
    folder.revise("1111", CREATE, 'op.drop_table("recipe")')
    path = folder.path / folder.revise("2222", 'op.execute("SELECT 1")', after="1111")
    path.write_text('"""name the recipe"""\n' + path.read_text())


def execute(url: str, *statements: str) -> None:
    parsed = make_url(url).set(drivername="postgresql")
    with psycopg.connect(parsed.render_as_string(hide_password=False), autocommit=True) as session:
        for statement in statements:
            session.execute(statement.encode())


def test_an_empty_database(run: Run, database: str) -> None:
    result = run("status", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        f"database     {make_url(database).database}",
        "at           base  nothing was applied yet",
        "head         2222  name the recipe",
        "pending      1111",
        "             2222  name the recipe",
        "",
        "2 revisions pending; `safemigrate upgrade` applies them",
    ]
    result = run("history", "--url", database)
    assert result.exit_code == 0
    assert result.stdout.startswith("the history is empty")


def test_a_fork_is_named_for_upgrade_refuses_it(
    run: Run, database: str, folder: ProjectFolder
) -> None:
    folder.revise("3333", 'op.execute("SELECT 1")', after="1111")

    shown = run("status", "--url", database)

    assert shown.exit_code == 0
    assert shown.stdout.splitlines()[-1] == (
        "3 revisions pending; `safemigrate upgrade` refuses, for the history forks into 2 heads, "
        '"2222", "3333"; `safemigrate plan` says more'
    )
    assert run("upgrade", "--url", database).exit_code == 1
    assert run("upgrade", "heads", "--url", database).exit_code == 0
    assert run("status", "--url", database).stdout.splitlines()[-1] == "up to date"


def test_one_pending_revision_is_one(run: Run, database: str) -> None:
    assert run("upgrade", "1111", "--url", database).exit_code == 0

    last = run("status", "--url", database).stdout.splitlines()[-1]

    assert last == "1 revision pending; `safemigrate upgrade` applies it"


def test_a_database_at_its_head(run: Run, database: str) -> None:
    run("upgrade", "--url", database)
    lines = run("status", "--url", database).stdout.splitlines()
    assert lines[1] == "at           2222  name the recipe"
    assert lines[2].startswith(
        f"last run     upgrade of 2222 by {getpass.getuser()} on {socket.gethostname()}, "
    )
    assert lines[-1] == "up to date"


def test_what_needs_care(run: Run, database: str, folder: ProjectFolder) -> None:
    run("upgrade", "--url", database)
    execute(
        database,
        "ALTER TABLE recipe ADD CONSTRAINT positive CHECK (id > 0) NOT VALID",
        "CREATE INDEX odd ON recipe (id)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'odd'::regclass",
    )
    (folder.path / "migrations" / "versions" / "2222.py").unlink()
    result = run("status", "--url", database)
    assert result.exit_code == 0
    assert "2222  no file here has this revision" in result.stdout
    assert "odd on recipe: INVALID" in result.stdout
    assert "positive on recipe: NOT VALID" in result.stdout
    assert result.stdout.endswith("the database is ahead of the files here\n")


def test_the_json_of_the_status(run: Run, database: str) -> None:
    run("upgrade", "1111", "--url", database)
    document = json.loads(run("status", "--format", "json", "--url", database).stdout)
    last = document.pop("last")
    assert document == {
        "version": 1,
        "database": make_url(database).database,
        "current": [{"revision": "1111", "message": ""}],
        "heads": [{"revision": "2222", "message": "name the recipe"}],
        "pending": [{"revision": "2222", "message": "name the recipe"}],
        "unknown": [],
        "partly_applied": [],
        "runner": None,
        "cut_off": None,
        "invalid_indexes": [],
        "not_valid_constraints": [],
        "edited": [],
        "changed_elsewhere": [],
        "is_history_hidden": False,
    }
    assert last["revision"] == "1111"
    assert last["outcome"] == "applied"


def test_the_json_of_the_status_says_what_the_runner_does(run: Run, database: str) -> None:
    run("upgrade", "1111", "--url", database)
    url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True, application_name="a test") as runner:
        key = deploy_lock_key(str(make_url(database).database))
        runner.execute("SELECT pg_advisory_lock(%s, %s)", key)
        shown = json.loads(run("status", "--format", "json", "--url", database).stdout)["runner"]
        assert (shown["pid"], shown["lease"]) == (runner.info.backend_pid, None)
        runner.execute(
            "INSERT INTO safemigrate.lease SELECT 'deploy', pid, backend_start, 'a host', 'anna',"
            " application_name, '9.9', 'revision 1 of 2: 2222', '2025-01-02 03:04:05+00',"
            " '2025-01-02 03:04:09+00' FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        )
        shown = json.loads(run("status", "--format", "json", "--url", database).stdout)["runner"]
    assert shown["lease"] == {
        "host": "a host",
        "os_user": "anna",
        "package_version": "9.9",
        "doing": "revision 1 of 2: 2222",
        "since": "2025-01-02T03:04:05Z",
        "renewed_at": "2025-01-02T03:04:09Z",
    }


def test_the_history_has_a_line_a_run_newest_last(
    run: Run, database: str, folder: ProjectFolder
) -> None:
    run("upgrade", "--url", database)
    folder.revise("3333", "if op.get_bind().dialect.server_version_info:\n    1 / 0", after="2222")
    assert run("upgrade", "--url", database).exit_code == 1
    result = run("history", "--url", database)
    assert result.exit_code == 0
    head, first, second, third, error, _, last = result.stdout.splitlines()
    # a commit and a run of a pipeline stand there where they are known
    assert [name for name in head.split() if name not in {"commit", "CI", "run"}] == [
        *("when", "revision", "took", "by", "on", "version", "message")
    ]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  1111 +upgrade +\d+ ms +", first)
    assert socket.gethostname() in first
    assert second.endswith("name the recipe")
    assert "3333" in third
    assert "upgrade failed" in third
    assert "ZeroDivisionError" in error
    assert last == "3 runs, 1 of them failed"


def test_the_json_of_the_history(run: Run, database: str) -> None:
    run("upgrade", "--url", database)
    document = json.loads(run("history", "--format", "json", "--url", database).stdout)
    assert document["version"] == 1
    assert [one["revision"] for one in document["runs"]] == ["1111", "2222"]
    last = document["runs"][1]
    assert re.match(r"\d{4}-\d\d-\d\dT", last.pop("started_at"))
    assert re.match(r"\d{4}-\d\d-\d\dT", last.pop("finished_at"))
    assert last.pop("duration_ms") >= 0
    assert last.pop("database_user")
    assert last.pop("digest")
    assert isinstance(last.pop("git_commit"), str)
    assert isinstance(last.pop("ci_run"), str)
    assert isinstance(last.pop("begun_at"), str)
    assert last.pop("done_before") == 0
    assert last == {
        "revision": "2222",
        "message": "name the recipe",
        "direction": "upgrade",
        "outcome": "applied",
        "attempts": 1,
        "waited_ms": 0,
        "os_user": getpass.getuser(),
        "host": socket.gethostname(),
        "package_version": version("safemigrate"),
        "error": "",
        "committed": [],
        "override": "",
        "stalled_ms": 0,
        "blockers": [],
    }


PARTIAL = """\
op.add_column("recipe", sa.Column("b", sa.Text()))
with op.get_context().autocommit_block():
    op.create_index("recipe_b_idx", "recipe", ["b"], postgresql_concurrently=True)
op.execute("UPDATE recipe SET b = 1 / (id - id)")
"""
COMMITTED = [
    "ALTER TABLE recipe ADD COLUMN b TEXT",
    "CREATE INDEX CONCURRENTLY recipe_b_idx ON recipe (b)",
]


@pytest.fixture
def partial(run: Run, database: str, folder: ProjectFolder) -> str:
    """The path of a revision that fails on its way, and has failed."""
    path = folder.revise("3333", PARTIAL, "op.get_bind()", after="2222")
    run("upgrade", "2222", "--url", database)
    execute(database, "INSERT INTO recipe VALUES (1)")
    result = run("upgrade", "--url", database)
    assert result.exit_code == 4, result.stderr
    assert "`safemigrate status` says where" in result.stderr
    assert "it goes on after statement 2" in result.stderr
    return path


@pytest.mark.usefixtures("partial")
def test_a_half_done_revision_is_shown_with_what_it_committed(run: Run, database: str) -> None:
    result = run("status", "--url", database)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    at = lines.index("half done    3333  partly applied, and goes on after statement 2:")
    assert [line.split(maxsplit=1)[1] for line in lines[at + 1 : at + 3]] == COMMITTED
    assert lines[-1].startswith("1 revision pending; `safemigrate upgrade` goes on where")
    document = json.loads(run("status", "--format", "json", "--url", database).stdout)
    (partial,) = document["partly_applied"]
    assert partial["committed"] == COMMITTED
    assert partial["resumes_after"] == 2
    assert document["last"]["committed"] == COMMITTED
    assert "committed before it failed: " + COMMITTED[0] in run("history", "--url", database).stdout


def test_a_revision_that_was_applied_is_half_done_no_more(
    run: Run, database: str, folder: ProjectFolder, partial: str
) -> None:
    path = folder.path / partial
    path.write_text(path.read_text().replace("1 / (id - id)", "1"))
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0, result.stderr
    assert run("status", "--url", database).stdout.endswith("\nup to date\n")
    assert "half done" not in run("status", "--url", database).stdout


@pytest.mark.usefixtures("partial")
def test_a_revision_finished_by_hand_and_stamped_is_half_done_no_more(
    run: Run, database: str
) -> None:
    execute(database, "UPDATE alembic_version SET version_num = '3333'")
    assert run("status", "--url", database).stdout.endswith("\nup to date\n")


def test_a_revision_that_was_edited_after_it_was_applied_is_named(
    run: Run, database: str, folder: ProjectFolder
) -> None:
    run("upgrade", "--url", database)
    path = folder.path / "migrations" / "versions" / "1111.py"
    path.write_text(path.read_text() + "\n# a comment means nothing\n")
    assert "edited" not in run("status", "--url", database).stdout
    path.write_text(path.read_text().replace("BigInteger", "Integer"))
    result = run("status", "--url", database)
    assert result.exit_code == 0
    assert 'warning: revision "1111" was edited after it was applied; put the file' in result.stdout
    assert "2222" not in result.stdout.partition("warning: ")[2]
    document = json.loads(run("status", "--format", "json", "--url", database).stdout)
    assert document["edited"] == ["1111"]


def test_a_role_with_few_rights_sees_where_the_database_is(run: Run, database: str) -> None:
    run("upgrade", "1111", "--url", database)
    name = f"reader_of_{make_url(database).database}"
    execute(
        database,
        f'CREATE ROLE "{name}" LOGIN',
        "REVOKE ALL ON SCHEMA safemigrate FROM PUBLIC",
        f'GRANT SELECT ON alembic_version TO "{name}"',
    )
    try:
        reader = make_url(database).set(username=name).render_as_string(hide_password=False)
        result = run("status", "--url", reader)
        assert result.exit_code == 0, result.stderr
        assert "at           1111" in result.stdout
        assert "pending      2222" in result.stdout
        assert "warning: the role may not read the history" in result.stdout
        drift = run("status", "--url", reader, "--drift", "--server", database)
        assert drift.exit_code == 0, drift.output
        assert "no drift, 1 revision replayed" in drift.stdout
    finally:
        execute(database, f'DROP OWNED BY "{name}"', f'DROP ROLE "{name}"')


def test_drift_is_shown_with_the_sql_that_takes_it_away_and_is_exit_code_1(
    run: Run, database: str
) -> None:
    run("upgrade", "--url", database)
    clean = run("status", "--url", database, "--drift", "--server", database)
    assert clean.exit_code == 0, clean.output
    assert re.search(r"\nno drift, 2 revisions replayed on PostgreSQL \d+\n$", clean.stdout)
    execute(
        database,
        "ALTER TABLE recipe ALTER id TYPE integer",
        "CREATE TABLE extra (id int)",
        "CREATE INDEX odd ON recipe (id)",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'odd'::regclass",
    )
    result = run("status", "--url", database, "--drift", "--server", database)
    assert result.exit_code == 1
    *_, drift = result.stdout.partition("\nup to date\n")
    *lines, last = drift.strip().splitlines()
    assert [line.rstrip() for line in lines if line] == [
        "different  column public.recipe.id",
        "    type expected: bigint",
        "    type found:    integer",
        "    as the history has it:",
        "        ALTER TABLE public.recipe ALTER COLUMN id TYPE bigint;",
        "beside     index public.odd  INVALID",
        "    CREATE INDEX odd ON public.recipe USING btree (id)",
        "    as the history has it:",
        "        DROP INDEX CONCURRENTLY public.odd;",
        "beside     table public.extra",
        "    as the history has it, and loses data:",
        "        DROP TABLE public.extra;",
    ]
    assert last.startswith("drift: 3 objects not as the history has it, 2 revisions replayed on ")
    assert run("status", "--url", database).exit_code == 0
    asked = run("status", "--url", database, "--drift", "--server", database, "--format", "json")
    assert asked.exit_code == 1
    found = json.loads(asked.stdout)["drift"]
    assert found["replayed"] == 2
    assert found["differences"][0] == {
        "kind": "column",
        "name": "public.recipe.id",
        "change": "different",
        "expected": {"type": "bigint"},
        "found": {"type": "integer"},
        "remark": "",
        "repair": "ALTER TABLE public.recipe ALTER COLUMN id TYPE bigint;",
        "is_destructive": False,
    }


def test_drift_needs_a_server_of_the_same_major_and_says_so(run: Run, database: str) -> None:
    result = run("status", "--url", database, "--drift", "--server", "container:")
    assert result.exit_code == 2
    assert '"container:" is not a kind of server' in result.stderr
    result = run(
        "status", "--url", database, "--drift", "--server", "postgresql://nobody@127.0.0.1:1/x"
    )
    assert result.exit_code == 2
    assert "cannot be reached" in result.stderr


def test_only_the_schema_of_the_tenant_is_compared(run: Run, database: str) -> None:
    execute(database, 'CREATE SCHEMA "Shop 1"', "CREATE SCHEMA other")
    begun = run("upgrade", "--url", database, "--in-schema", "Shop 1")
    assert begun.exit_code == 0, begun.output
    execute(database, "CREATE TABLE other.t (id int)")
    arguments = ("status", "--url", database, "--in-schema", "Shop 1", "--drift")
    result = run(*arguments, "--server", database)
    assert result.exit_code == 0, result.output
    execute(database, 'ALTER TABLE "Shop 1".recipe ADD COLUMN a int')
    result = run(*arguments, "--server", database)
    assert result.exit_code == 1
    assert 'beside     column "Shop 1".recipe.a' in result.stdout


def test_a_database_that_was_emptied_is_not_new(run: Run, database: str) -> None:
    assert run("upgrade", "--url", database).exit_code == 0
    assert run("downgrade", "base", "--url", database).exit_code == 0
    lines = run("status", "--url", database).stdout.splitlines()
    assert lines[1] == "at           base  everything was taken back"


def test_a_revision_that_was_resumed_says_when_it_was_begun(
    run: Run, database: str, folder: ProjectFolder, partial: str
) -> None:
    document = json.loads(run("status", "--format", "json", "--url", database).stdout)
    begun = document["partly_applied"][0]["begun_at"]
    assert begun == document["partly_applied"][0]["statements"][0]["started_at"]
    execute(
        database,
        "UPDATE safemigrate.statement SET started_at = started_at - interval '1 day'"
        " WHERE revision = '3333'",
    )
    lines = run("status", "--url", database).stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("half done"))
    (when,) = re.findall(r"begun (\S+ \S+)$", lines[at + 3])
    path = folder.path / partial
    path.write_text(path.read_text().replace("1 / (id - id)", "1"))
    assert run("upgrade", "--url", database).exit_code == 0
    history = run("history", "--url", database).stdout
    assert f"    resumed: begun {when}, 2 statements done before this run" in history.splitlines()
    assert f", begun {when}" in run("status", "--url", database).stdout
    runs = json.loads(run("history", "--format", "json", "--url", database).stdout)["runs"]
    assert [one["done_before"] for one in runs if one["outcome"] == "applied"] == [0, 0, 2]
    assert runs[-1]["begun_at"] < runs[-1]["started_at"]


def test_a_runner_that_was_killed_is_named(run: Run, database: str) -> None:
    run("upgrade", "1111", "--url", database)
    assert "cut off" not in run("status", "--url", database).stdout
    execute(
        database,
        "INSERT INTO safemigrate.lease VALUES ('deploy', 1, now(), 'ci-7', 'alice', '', '0.1.0',"
        " 'revision 1 of 1: 2222', now(), now())",
    )
    lines = run("status", "--url", database).stdout.splitlines()
    at = lines.index("cut off      revision 1 of 1: 2222")
    assert lines[at + 1].startswith("             by alice on ci-7, at work since 2")
    document = json.loads(run("status", "--format", "json", "--url", database).stdout)
    assert document["cut_off"]["os_user"] == "alice"
    run("upgrade", "--url", database)
    assert "cut off" not in run("status", "--url", database).stdout
