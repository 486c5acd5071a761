"""A lock that is not to be had is tried for again, and given up with a name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import InterruptedRunError, LockTimeoutError, RunStoppedError
from safemigrate.execute import (
    LockWaited,
    RevisionFinished,
    RevisionRetried,
    RunPlanned,
    Timing,
)

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

    from tests.execute.conftest import Database, Events, ProjectFolder, Runner

ADD = 'op.execute("ALTER TABLE t ADD COLUMN c int")'
SHOW = "op.execute(\"INSERT INTO seen SELECT current_setting('lock_timeout')\")"


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    db.execute("CREATE TABLE t (id int)")
    db.execute("CREATE TABLE seen (lock_timeout text)")


def test_a_revision_is_tried_again_until_the_blocker_lets_go(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", 'op.execute("CREATE TABLE u (id int)")\n' + ADD)
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    events.on(RevisionRetried, blocker.rollback)
    runner.upgrade()
    assert db.has("u")
    (retried,) = events.of(RevisionRetried)
    assert (retried.attempt, retried.reason) == (1, "lock timeout")
    (finished,) = events.of(RevisionFinished)
    assert finished.attempts == 2
    assert timedelta(milliseconds=100) <= finished.waited <= finished.duration
    assert db.history() == [("first", "upgrade", "applied", 2)]
    assert db.scalar("SELECT waited_ms BETWEEN 100 AND duration_ms FROM safemigrate.history")


def test_a_revision_gives_up_after_the_last_attempt_and_names_the_blocker(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    runner.settings = replace(
        runner.settings,
        lock_timeout=timedelta(milliseconds=400),
        lock_attempts=2,
        timing=Timing(draw=lambda _low, _high: 0.0),
    )
    file = folder.add("first", 'op.execute("CREATE TABLE u (id int)")\n' + ADD)
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT /* a report */ FROM t")
    with pytest.raises(LockTimeoutError) as caught:
        runner.upgrade()
    assert f'"first" at {file}:11 gave up waiting for ACCESS EXCLUSIVE on "t"' in str(caught.value)
    assert "after 2 attempts" in caught.value.message
    assert f"held by pid {blocker.info.backend_pid} (user " in caught.value.hint
    assert 'application "a test", idle in transaction, transaction open for' in caught.value.hint
    assert "SELECT /* a report */ FROM t" in caught.value.hint
    assert "nothing was changed" in caught.value.hint
    (waited,) = events.of(LockWaited)
    assert waited.wait.relation == "t"
    assert len(events.of(RevisionRetried)) == 1
    blocker.rollback()
    assert not db.has("u")
    assert db.versions() == []
    assert db.history() == [("first", "upgrade", "failed", 2)]


def test_a_revision_gives_up_at_the_deadline(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    timing = Timing(now=lambda: now, sleep=sleep, draw=lambda _low, high: high)
    runner.settings = replace(runner.settings, deadline=timedelta(milliseconds=700), timing=timing)
    folder.add("first", ADD)
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    with pytest.raises(LockTimeoutError, match="after 4 attempts in 700 ms"):
        runner.upgrade()
    pauses = [event.pause / timedelta(milliseconds=1) for event in events.of(RevisionRetried)]
    assert pauses == [200.0, 400.0, 100.0]


def test_earlier_revisions_make_giving_up_a_stop_part_way(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    runner.settings = replace(runner.settings, lock_attempts=1)
    folder.add("first", 'op.execute("CREATE TABLE u (id int)")')
    folder.add("second", ADD)
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    with pytest.raises(InterruptedRunError, match="gave up waiting") as caught:
        runner.upgrade()
    assert f"held by pid {blocker.info.backend_pid}" in caught.value.hint
    assert 'applied in this run and kept: "first"' in caught.value.hint


def test_a_revision_that_has_committed_something_goes_on_behind_it(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add(
        "first",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE TABLE u (id int)")\n' + ADD,
    )
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    events.on(RevisionRetried, blocker.rollback)
    runner.upgrade()
    assert len(events.of(RevisionRetried)) == 1
    assert db.has("u")


def test_an_autocommit_block_that_has_changed_nothing_yet_is_tried_again(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", f"with op.get_context().autocommit_block():\n    {ADD}")
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    events.on(RevisionRetried, blocker.rollback)
    runner.upgrade()
    assert db.history() == [("first", "upgrade", "applied", 2)]


def test_a_deadlock_is_tried_again(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    db.execute("CREATE TABLE u (id int)")
    folder.add(
        "first",
        "op.execute(\"SET LOCAL lock_timeout = '30s'\")\n"
        "op.execute(\"SET LOCAL deadlock_timeout = '10ms'\")\n"
        'op.execute("LOCK TABLE t")\nop.execute("LOCK TABLE u")',
    )
    other = db.connect(autocommit=False)
    other.execute("LOCK TABLE u")
    # waits for t as soon as the revision has it, without a thread of the test's own
    other.pgconn.send_query(
        b"DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE granted"
        b" AND relation = 't'::regclass AND mode = 'AccessExclusiveLock')"
        b" LOOP PERFORM pg_sleep(0.01); END LOOP; END $$;"
        b"SET LOCAL deadlock_timeout = '60s'; LOCK TABLE t"
    )
    events.on(RevisionRetried, lambda: _end(other.pgconn))
    runner.upgrade()
    assert [event.reason for event in events.of(RevisionRetried)] == ["deadlock"]
    assert db.history() == [("first", "upgrade", "applied", 2)]


def test_concurrently_runs_without_a_lock_timeout_and_everything_else_with_it(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    """An older snapshot holds the build up for longer than the lock timeout."""
    folder.add(
        "first",
        f"{SHOW}\nwith op.get_context().autocommit_block():\n"
        '    op.execute("CREATE INDEX CONCURRENTLY i ON t (id)")\n'
        f"    {SHOW}\n{SHOW}",
    )
    reader = db.connect(autocommit=False)
    reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    reader.execute("SELECT FROM seen")
    waits: list[LockWaited] = []

    def let_go() -> None:
        waits.extend(events.of(LockWaited))
        db.wait_until(
            "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'"
            " AND state = 'active' AND clock_timestamp() - query_start > interval '300 ms')"
        )
        reader.rollback()

    events.on(LockWaited, let_go)
    runner.upgrade()
    (wait,) = waits
    assert wait.wait.relation is None
    assert [blocker.pid for blocker in wait.wait.blockers] == [reader.info.backend_pid]
    assert db.scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") is True
    assert db.rows("SELECT * FROM seen") == [("100ms",)] * 3
    assert events.of(RevisionRetried) == []


def test_a_lock_timeout_is_back_after_a_concurrent_build_that_failed(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("INSERT INTO t VALUES (1), (1)")
    folder.add(
        "first",
        "with op.get_context().autocommit_block():\n"
        '    try:\n        op.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON t (id)")\n'
        f"    except sa.exc.IntegrityError:\n        {SHOW}",
    )
    runner.upgrade()
    assert db.rows("SELECT * FROM seen") == [("100ms",)]


def test_a_concurrent_build_that_fails_is_told_as_left_behind(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("INSERT INTO t VALUES (1), (1)")
    folder.add(
        "first",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON t (id)")',
    )
    with pytest.raises(InterruptedRunError, match="23505") as caught:
        runner.upgrade()
    assert "CREATE UNIQUE INDEX CONCURRENTLY i" in caught.value.hint


def test_a_timeout_that_one_revision_sets_does_not_reach_the_next(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", "op.execute(\"SET lock_timeout = '1h'\")")
    folder.add("second", SHOW)
    runner.upgrade()
    assert db.rows("SELECT * FROM seen") == [("100ms",)]


def test_a_second_engine_of_a_revision_has_the_timeout_too(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "first",
        "engine = sa.create_engine(op.get_bind().engine.url, poolclass=sa.NullPool)\n"
        "with engine.begin() as other:\n"
        "    other.execute(sa.text(\"INSERT INTO seen SELECT current_setting('lock_timeout')\"))",
    )
    runner.upgrade()
    assert db.rows("SELECT * FROM seen") == [("100ms",)]


def test_plain_alembic_in_the_middle_of_a_run_is_waited_for(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    """Whoever has changed the version table and not committed yet goes first."""
    db.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    folder.add("first", ADD)
    other = db.connect(autocommit=False)
    other.execute("INSERT INTO alembic_version VALUES ('first')")
    events.on(RevisionRetried, other.commit)
    with pytest.raises(RunStoppedError, match='something else moved the database to "first"'):
        runner.upgrade()
    assert db.versions() == ["first"]


def test_a_version_table_that_is_locked_is_not_waited_for_without_an_end(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    db.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    folder.add("first", ADD)
    other = db.connect(autocommit=False)
    other.execute("LOCK TABLE alembic_version")
    with pytest.raises(LockTimeoutError, match="before the first revision"):
        runner.upgrade()
    assert events.of(RunPlanned) == []


def _end(connection: PGconn) -> None:
    """Take the results of what was sent, and end the transaction."""
    while connection.get_result() is not None:
        pass
    connection.exec_(b"ROLLBACK")
