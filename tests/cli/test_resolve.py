"""`safemigrate resolve`: somebody decides about what was cut off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
import pytest
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from click.testing import Result


class ProjectFolder(Protocol):
    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


@pytest.fixture
def half_done(folder: ProjectFolder, run: Run, database: str) -> str:
    """Return the URL of a database where a procedure was cut off on its way."""
    url = make_url(database)
    with psycopg.connect(
        dbname=url.database, user=url.username, host=str(url.query["host"]), autocommit=True
    ) as session:
        session.execute("CREATE TABLE t (n int)")
        session.execute(
            "CREATE PROCEDURE p() LANGUAGE plpgsql AS"
            " $$ BEGIN INSERT INTO t VALUES (1); COMMIT; PERFORM 1 / 0; END $$"
        )
    folder.revise(
        "1111", 'with op.get_context().autocommit_block():\n        op.execute("CALL p()")'
    )
    failed = run("upgrade", "--url", database, "--override", "it is a test")
    assert failed.exit_code == 4, failed.output
    return database


def test_status_shows_what_is_in_doubt(run: Run, half_done: str) -> None:
    shown = run("status", "--url", half_done)
    assert "1  CALL p()  begun, and done or not" in shown.stdout
    assert "safemigrate resolve 1111 --statement 1 --done|--not-done" in shown.stdout
    document: dict[str, Any] = json.loads(
        run("status", "--url", half_done, "--format", "json").stdout
    )
    ((partial),) = document["partly_applied"]
    assert partial["resumes_after"] == 1
    assert [(one["ordinal"], one["state"]) for one in partial["statements"]] == [(1, "begun")]


def test_what_somebody_has_seen_holds(run: Run, half_done: str) -> None:
    options = ("--url", half_done, "--reason", "the row is there")
    resolved = run("resolve", "1111", "--statement", "1", "--done", *options)
    assert resolved.exit_code == 0, resolved.output
    assert resolved.stdout == (
        'statement 1 of revision "1111" counts as done, and is skipped at the next run\n'
    )
    done = run("upgrade", "--url", half_done, "--override", "it is a test")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "nothing is decided"),
        (("--done",), "--done is about one statement"),
        (("--forget", "--statement", "1"), "--forget is about the whole revision"),
        (("--not-done", "--statement", "7"), "statement 7"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    run: Run, half_done: str, options: tuple[str, ...], told: str
) -> None:
    result = run("resolve", "1111", "--url", half_done, "--reason", "so", *options)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_reason_is_needed(run: Run, half_done: str) -> None:
    options = ("--url", half_done, "--forget", "--reason", " ")
    assert "the reason is empty" in run("resolve", "1111", *options).stderr


def test_a_revision_that_no_file_has_is_not_called_whole(run: Run, half_done: str) -> None:
    options = ("--url", half_done, "--forget", "--reason", "it was a test")

    stray = run("resolve", "nope", *options)

    assert stray.exit_code == 2
    assert 'no file here has the revision "nope"' in stray.stderr


def test_a_revision_that_is_not_half_done_is_told(
    run: Run, folder: ProjectFolder, half_done: str
) -> None:
    folder.revise("2222", "pass", after="1111")

    whole = run("resolve", "2222", "--url", half_done, "--forget", "--reason", "it was a test")

    assert whole.exit_code == 2
    assert 'nothing of revision "2222" is half done here' in whole.stderr
