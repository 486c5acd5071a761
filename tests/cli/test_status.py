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
        "invalid_indexes": [],
        "not_valid_constraints": [],
    }
    assert last["revision"] == "1111"
    assert last["outcome"] == "applied"


def test_the_history_has_a_line_a_run_newest_last(
    run: Run, database: str, folder: ProjectFolder
) -> None:
    run("upgrade", "--url", database)
    folder.revise("3333", "if op.get_bind().dialect.server_version_info:\n    1 / 0", after="2222")
    assert run("upgrade", "--url", database).exit_code == 1
    result = run("history", "--url", database)
    assert result.exit_code == 0
    head, first, second, third, error, _, last = result.stdout.splitlines()
    assert head.split() == ["when", "revision", "took", "by", "on", "version", "message"]
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
    assert "by hand" in result.stderr
    return path


@pytest.mark.usefixtures("partial")
def test_a_half_done_revision_is_shown_with_what_it_committed(run: Run, database: str) -> None:
    result = run("status", "--url", database)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    at = lines.index("half done    3333  partly applied by a run that failed, and had committed:")
    assert [line.strip() for line in lines[at + 1 : at + 3]] == COMMITTED
    assert 'undo by hand what is committed of "3333"' in lines[-1]
    assert "safemigrate upgrade" not in result.stdout
    document = json.loads(run("status", "--format", "json", "--url", database).stdout)
    assert document["partly_applied"] == [
        {"revision": "3333", "message": "", "direction": "upgrade", "committed": COMMITTED}
    ]
    assert document["last"]["committed"] == COMMITTED
    assert "committed before it failed: " + COMMITTED[0] in run("history", "--url", database).stdout


@pytest.mark.usefixtures("partial")
def test_the_next_upgrade_warns_of_what_is_half_done_and_names_it_when_it_fails(
    run: Run, database: str
) -> None:
    for options in ((), ("--quiet",)):
        result = run("upgrade", "--url", database, *options)
        assert result.exit_code == 4, result.stderr
        warning = 'warning: an earlier run of revision "3333" failed, and had committed: '
        assert warning + "; ".join(COMMITTED) in result.stderr.splitlines()
        error, hint = result.stderr.splitlines()[-2:]
        assert "42701" in error
        assert 'of revision "3333" an earlier run had committed: ' in hint
        assert "nothing was changed" not in hint
        assert all(statement in hint for statement in COMMITTED)
        assert "undo that by hand and run it again, or finish" in hint
    assert "half done    3333" in run("status", "--url", database).stdout


def test_a_revision_that_was_applied_is_half_done_no_more(
    run: Run, database: str, folder: ProjectFolder, partial: str
) -> None:
    execute(database, "ALTER TABLE recipe DROP COLUMN b")
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
