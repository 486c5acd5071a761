"""One runner at a time: the others wait, say for whom, and find nothing to do."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import LockTimeoutError
from safemigrate.execute import RunnerWaited, RunPlanned
from safemigrate.execute.deploylock import deploy_lock_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.execute.conftest import Database, Events, Process, ProjectFolder, Runner

CREATE = 'op.execute("CREATE TABLE t (id int)")'


def test_the_key_is_of_the_database_and_fits_two_integers_of_the_server() -> None:
    keys = {deploy_lock_key(name) for name in ("a", "b", "shop", "ünï")}
    assert len(keys) == 4
    assert {namespace for namespace, _ in keys} == {0x73616665}
    assert all(-(2**31) <= database < 2**31 for _, database in keys)
    assert any(database < 0 for _, database in keys)


def take_lock(db: Database) -> int:
    """Hold the deploy lock in a session of the test's own, and return its pid."""
    namespace, database = deploy_lock_key(str(db.scalar("SELECT current_database()")))
    db.execute(f"SELECT pg_advisory_lock({namespace}, {database})")
    return int(str(db.scalar("SELECT pg_backend_pid()")))


def test_a_runner_waits_for_the_one_ahead_and_says_who_it_is(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", CREATE)
    pid = take_lock(db)
    events.on(RunnerWaited, lambda: db.execute("SELECT pg_advisory_unlock_all()"))
    assert runner.upgrade().heads == ("first",)
    (waited,) = events.of(RunnerWaited)
    assert waited.holder is not None
    assert waited.holder.pid == pid
    assert waited.holder.application == "a test"
    assert waited.holder.since == db.scalar(
        "SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )


def test_a_runner_gives_up_at_the_deadline(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", CREATE)
    pid = take_lock(db)
    runner.settings = replace(runner.settings, deadline=timedelta())
    with pytest.raises(LockTimeoutError, match=f"pid {pid} .*still holds the deploy lock"):
        runner.upgrade()
    assert events.of(RunPlanned) == []
    assert not db.has("alembic_version")


def test_the_lock_is_given_back(folder: ProjectFolder, runner: Runner, db: Database) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    db.wait_until(
        "NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE 'safemigrate %'"
        " AND datname = current_database())"
    )
    assert take_lock(db) > 0


def test_the_lock_is_held_while_a_revision_runs_by_a_session_that_says_who_it_is(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "first",
        'op.execute("CREATE TABLE seen AS SELECT application_name FROM pg_stat_activity'
        " JOIN pg_locks USING (pid) WHERE locktype = 'advisory' AND granted\")",
    )
    runner.upgrade()
    name = f"safemigrate {socket.gethostname()} {os.getpid()}"
    assert db.rows("SELECT * FROM seen") == [(name,)]


def test_of_several_runners_at_once_one_applies_and_all_succeed(
    folder: ProjectFolder, db: Database, start: Callable[[], Process]
) -> None:
    folder.add("first", CREATE)
    folder.add(
        "second",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE INDEX CONCURRENTLY i ON t (id)")',
    )
    # all of them get ready, and begin when this lock is let go
    take_lock(db)
    runners = [start() for _ in range(4)]
    db.wait_until(
        "count(*) = 4 FROM pg_stat_activity WHERE application_name LIKE 'safemigrate %'"
        " AND datname = current_database()"
    )
    db.execute("SELECT pg_advisory_unlock_all()")
    ended = [runner.communicate(timeout=60) for runner in runners]
    assert [runner.returncode for runner in runners] == [0] * 4, ended
    last_lines = sorted(out.splitlines()[-1] for out, _ in ended)
    assert last_lines == ["applied 0", "applied 0", "applied 0", "applied 2"]
    assert any("RunnerWaited" in out for out, _ in ended)
    assert len(db.history()) == 2
