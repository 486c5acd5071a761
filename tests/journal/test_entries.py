"""Entries come back as they were written, and are part of the transaction they are written in."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.engine import Connection

from safemigrate.journal import (
    Attempt,
    Outcome,
    prepare_journal,
    read_entries,
    read_last_entry,
    write_entry,
)
from safemigrate.model import Direction

ATTEMPT = Attempt(
    revision="1a2b",
    direction=Direction.UPGRADE,
    outcome=Outcome.APPLIED,
    duration=timedelta(milliseconds=1500),
    attempts=3,
    waited=timedelta(milliseconds=1200),
)


def test_there_is_no_history_where_there_is_no_journal(connection: Connection) -> None:
    assert read_entries(connection) == ()
    assert read_last_entry(connection) is None


def test_an_entry_comes_back_as_it_was_written(connection: Connection) -> None:
    prepare_journal(connection)
    write_entry(connection, ATTEMPT)
    failed = replace(
        ATTEMPT,
        direction=Direction.DOWNGRADE,
        outcome=Outcome.FAILED,
        error="it's 100 % :broken",
        committed=("CREATE TABLE t (a text DEFAULT '{\"}')", "DROP TABLE u"),
        override="release 42 needs it",
        stalled=timedelta(milliseconds=90),
        digest="d1",
        git_commit="c0ffee",
        ci_run="42",
        blockers=("pid 7: SELECT 1",),
    )
    write_entry(connection, failed)
    connection.commit()
    first, second = read_entries(connection)
    assert (first.number, second.number) == (1, 2)
    assert (first.revision, first.direction, first.outcome) == (
        "1a2b",
        Direction.UPGRADE,
        Outcome.APPLIED,
    )
    assert (first.duration, first.attempts, first.waited) == (
        ATTEMPT.duration,
        ATTEMPT.attempts,
        ATTEMPT.waited,
    )
    # two readings of the server's clock, so a little more
    assert first.duration <= first.finished_at - first.started_at < timedelta(seconds=2)
    assert (first.error, first.committed, first.override) == ("", (), "")
    assert (second.error, second.committed, second.override) == (
        failed.error,
        failed.committed,
        failed.override,
    )
    assert (second.stalled, second.digest) == (failed.stalled, failed.digest)
    assert (second.git_commit, second.ci_run) == (failed.git_commit, failed.ci_run)
    assert second.blockers == failed.blockers
    assert read_last_entry(connection) == second


def test_an_entry_is_rolled_back_with_its_transaction(connection: Connection) -> None:
    prepare_journal(connection)
    write_entry(connection, ATTEMPT)
    connection.rollback()
    assert read_entries(connection) == ()


def test_an_account_without_a_name_is_written_by_its_number(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("getpass.getuser", fail)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    prepare_journal(connection)
    write_entry(connection, ATTEMPT)
    assert connection.scalar(text("SELECT os_user FROM safemigrate.history")) == "4711"


def test_no_password_is_written(connection: Connection) -> None:
    prepare_journal(connection)
    role = "CREATE ROLE x PASSWORD 's3cret'"
    write_entry(connection, replace(ATTEMPT, error=role, committed=(role,), override=role))
    (entry,) = read_entries(connection)
    assert entry.error == entry.override == entry.committed[0] == "CREATE ROLE x PASSWORD '***'"
