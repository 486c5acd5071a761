"""Index builds end well in one run, whatever is in their way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import (
    InterruptedRunError,
    RevisionFailedError,
    RunStoppedError,
    SafemigrateError,
)
from safemigrate.execute import (
    BuildDelayed,
    BuildProgressed,
    BuildRetried,
    HoldersFound,
    LeftoverRemoved,
    RevisionFinished,
    RunWarned,
    StopRequested,
    Timing,
)
from tests.execute.building import (
    DRIVERS,
    Building,
    indexes_of,
    leave_invalid,
    let_go_when_waited_for,
    wait_until_old,
)

if TYPE_CHECKING:
    from tests.execute.conftest import Connection, Database, Events, Runner

CREATE = "CREATE INDEX CONCURRENTLY i ON t (c)"
CREATE_UNIQUE = "CREATE UNIQUE INDEX CONCURRENTLY i ON t (c)"
CREATE_MISSING = "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t "
VALID = [("i", True), ("t_pkey", True)]


@pytest.fixture
def building(runner: Runner) -> Building:
    return Building(runner)


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    db.execute("CREATE TABLE t (id int PRIMARY KEY, c text, d text)")
    db.execute("INSERT INTO t SELECT n, n, 'x' FROM generate_series(1, 1000) AS n")
    db.execute("CREATE TABLE u (id int)")


@pytest.fixture
def holder(db: Database) -> Connection:
    """A session whose transaction keeps a snapshot, and has touched another table only."""
    connection = db.connect(autocommit=False)
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.execute("SELECT /* a report */ FROM u")
    wait_until_old(db, connection)
    return connection


@pytest.fixture
def writer(db: Database) -> Connection:
    """A session whose transaction has written to the table."""
    connection = db.connect(autocommit=False)
    connection.execute("UPDATE t SET c = c WHERE id = 1")
    wait_until_old(db, connection)
    return connection


@pytest.fixture
def gate(db: Database) -> Connection:
    """A session that keeps the function `pass` from going past the 900th row."""
    db.execute(
        "CREATE FUNCTION pass(int, text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN"
        " IF $1 = 900 THEN PERFORM pg_advisory_xact_lock(1); END IF; RETURN $2; END $$"
    )
    connection = db.connect()
    connection.execute("SELECT pg_advisory_lock(1)")
    return connection


def waits(events: Events) -> list[tuple[str, int]]:
    """Return in which phases a build was seen to wait, and for whom."""
    return [
        (event.phase, blocker.pid)
        for event in events.of(BuildProgressed)
        if event.wait is not None
        for blocker in event.wait.blockers
    ]


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_old_snapshot_is_named_and_waited_for(
    building: Building, db: Database, events: Events, holder: Connection, driver: str
) -> None:
    building.use_driver(driver)
    building.outside("first", CREATE)
    pid = holder.info.backend_pid
    let_go_when_waited_for(events, holder)
    building.upgrade()
    (found,) = events.of(HoldersFound)
    assert [(one.pid, one.application, one.query) for one in found.holders] == [
        (pid, "a test", "SELECT /* a report */ FROM u")
    ]
    assert found.statement == CREATE
    assert ("waiting for old snapshots", pid) in waits(events)
    assert indexes_of(db, "t") == VALID


def test_a_writer_of_the_table_is_named_and_waited_for(
    building: Building, db: Database, events: Events, writer: Connection
) -> None:
    building.outside("first", CREATE)
    pid = writer.info.backend_pid
    let_go_when_waited_for(events, writer)
    building.upgrade()
    assert [one.pid for found in events.of(HoldersFound) for one in found.holders] == [pid]
    assert waits(events) == [("waiting for writers before build", pid)]
    assert indexes_of(db, "t") == VALID


def test_at_the_deadline_the_index_goes_and_the_holder_is_named(
    building: Building, db: Database, events: Events, holder: Connection
) -> None:
    building.outside("first", CREATE_UNIQUE)
    with pytest.raises(RunStoppedError, match=f"held by pid {holder.info.backend_pid}") as caught:
        building.upgrade(deadline=1)
    assert caught.value.exit_code == 3
    assert "nothing was changed" in caught.value.hint
    assert indexes_of(db, "t") == [("t_pkey", True)]
    assert [(one.relation, one.table, one.is_own) for one in events.of(LeftoverRemoved)] == [
        ("public.i", "t", True)
    ]
    holder.rollback()
    building.upgrade(deadline=30)
    assert indexes_of(db, "t") == VALID


def test_work_leaves_a_build_all_of_the_deadline_to_wait(
    building: Building, db: Database, events: Events, holder: Connection
) -> None:
    building.within("first", "CREATE TABLE v (id int)")
    building.outside("second", CREATE)
    clock = LettingGo(events, holder, after=0.4)
    timing = Timing(now=clock.now)
    building.runner.settings = replace(building.runner.settings, timing=timing)
    building.upgrade(deadline=30)
    assert [phase for phase, _ in waits(events)][:1] == ["waiting for old snapshots"]
    assert indexes_of(db, "t") == VALID


class LettingGo:
    """A clock by which the first revision works for an hour, then a session ends its transaction.

    `after`: how long a build has waited for it by then, in seconds.
    """

    def __init__(self, events: Events, session: Connection, *, after: float) -> None:
        self._events = events
        self._session = session
        self._after = after
        self._ahead = 0.0
        self._end: float | None = None
        events.on(RevisionFinished, self._work)
        events.on(BuildProgressed, self._wait)

    def now(self) -> float:
        now = time.monotonic()
        if self._end is not None and now > self._end:
            self._session.rollback()
        return now + self._ahead

    def _work(self) -> None:
        self._ahead = 3600.0

    def _wait(self) -> None:
        if self._end is None and waits(self._events):
            self._end = time.monotonic() + self._after


def test_what_cannot_go_at_the_deadline_is_left_to_the_next_run(
    building: Building, db: Database, events: Events, writer: Connection
) -> None:
    building.outside("first", CREATE)
    with pytest.raises(InterruptedRunError, match="UPDATE t SET c") as caught:
        building.upgrade(deadline=0.5)
    assert 'INVALID index "public.i" of CREATE INDEX CONCURRENTLY i' in caught.value.hint
    assert "nothing was changed" not in caught.value.hint
    assert indexes_of(db, "t") == [("i", False), ("t_pkey", True)]
    assert [one.text for one in events.of(RunWarned)] == [
        'the INVALID index "public.i" could not be dropped yet; the next run does it'
    ]
    writer.rollback()
    building.upgrade(deadline=30)
    assert indexes_of(db, "t") == VALID
    assert [(one.relation, one.is_own) for one in events.of(LeftoverRemoved)] == [
        ("public.i", False)
    ]


@pytest.mark.parametrize(
    ("left", "wanted"),
    [
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (d)", CREATE),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (d)", CREATE_MISSING + "(c)"),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY other ON t (d) WHERE d <> 'y'",
            "CREATE UNIQUE INDEX CONCURRENTLY i ON t (d) WHERE (d != 'y'::text)",
        ),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY other ON t ((d || 'y') DESC)",
            "CREATE UNIQUE INDEX CONCURRENTLY i ON t ((d || 'y'::text) DESC NULLS FIRST)",
        ),
    ],
)
def test_an_invalid_index_of_the_name_or_the_definition_is_removed(
    building: Building, db: Database, events: Events, left: str, wanted: str
) -> None:
    leave_invalid(db, left)
    db.execute("UPDATE t SET d = id")
    building.outside("first", wanted)
    building.upgrade()
    assert len(events.of(LeftoverRemoved)) == 1
    assert indexes_of(db, "t") == VALID


@pytest.mark.parametrize(
    "left",
    [
        "CREATE UNIQUE INDEX CONCURRENTLY other ON t (d)",
        "CREATE UNIQUE INDEX CONCURRENTLY other ON t (d) WHERE d <> 'z'",
        "CREATE UNIQUE INDEX CONCURRENTLY other ON t (d DESC)",
        "CREATE UNIQUE INDEX CONCURRENTLY other ON t (d) INCLUDE (c)",
        'CREATE UNIQUE INDEX CONCURRENTLY other ON t (d COLLATE "C")',
        "CREATE UNIQUE INDEX CONCURRENTLY other ON t (d text_pattern_ops)",
        "CREATE UNIQUE INDEX CONCURRENTLY other ON t (d) NULLS NOT DISTINCT",
    ],
)
def test_an_invalid_index_of_another_definition_is_left_alone(
    building: Building, db: Database, events: Events, left: str
) -> None:
    leave_invalid(db, left)
    wanted = "CREATE INDEX CONCURRENTLY i ON t (d)"
    building.outside("first", wanted)
    building.upgrade()
    assert events.of(LeftoverRemoved) == []
    assert indexes_of(db, "t") == [("i", True), ("other", False), ("t_pkey", True)]


def test_unique_leftovers_go_first(building: Building, db: Database, events: Events) -> None:
    leave_invalid(db, "CREATE UNIQUE INDEX CONCURRENTLY other ON t (d)")
    db.execute("CREATE INDEX i ON t (c)")
    db.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass")
    db.execute("UPDATE t SET d = id")
    building.outside("first", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (d)")
    building.upgrade()
    assert [one.relation for one in events.of(LeftoverRemoved)] == ["public.other", "public.i"]
    assert indexes_of(db, "t") == VALID


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("(c)", "(c)"),
        ("(lower(c)) WHERE c = ANY (ARRAY['1', '2'])", "(lower((c))) WHERE c IN ('1', '2')"),
        ("((id + 1))", "((1 * id + 1))"),
    ],
)
def test_if_not_exists_is_taken_at_its_word_for_the_same_index_only(
    building: Building, db: Database, there: str, wanted: str
) -> None:
    db.execute(f"CREATE INDEX i ON t {there}")
    oid = db.scalar("SELECT 'i'::regclass::oid")
    building.outside("first", CREATE_MISSING + wanted)
    if "1 * id" in wanted:
        with pytest.raises(RevisionFailedError, match=r'"public\.i" is there and is another'):
            building.upgrade()
    else:
        building.upgrade()
    assert db.scalar("SELECT 'i'::regclass::oid") == oid


@pytest.mark.parametrize(
    "there", ["CREATE TABLE i (id int)", "CREATE INDEX i ON u (id)", "CREATE INDEX i ON t (d)"]
)
@pytest.mark.parametrize("driver", DRIVERS)
def test_if_not_exists_does_not_hide_what_else_has_the_name(
    building: Building, db: Database, there: str, driver: str
) -> None:
    building.use_driver(driver)
    db.execute(there)
    building.outside("first", CREATE_MISSING + "(c)")
    with pytest.raises(RevisionFailedError, match=r'"public\.i" is there') as caught:
        building.upgrade()
    assert "nothing was changed" in caught.value.hint


@pytest.mark.parametrize("driver", DRIVERS)
def test_values_that_are_there_twice_fail_the_revision_and_leave_nothing(
    building: Building, db: Database, events: Events, driver: str
) -> None:
    building.use_driver(driver)
    building.outside("first", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (d)")
    with pytest.raises(RevisionFailedError, match="23505") as caught:
        building.upgrade()
    assert "nothing was changed" in caught.value.hint
    assert [(one.relation, one.is_own) for one in events.of(LeftoverRemoved)] == [
        ("public.i", True)
    ]
    assert indexes_of(db, "t") == [("t_pkey", True)]


def test_others_at_work_on_the_table_are_waited_for_outside_the_queue(
    building: Building, db: Database, events: Events
) -> None:
    other = db.connect(autocommit=False)
    other.execute("LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
    queue = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    queued: list[object] = []

    def let_go() -> None:
        queued.append(db.scalar(queue))
        other.rollback()

    events.on(BuildDelayed, let_go)
    building.outside("first", CREATE)
    building.upgrade()
    assert queued == [0]
    (delayed,) = events.of(BuildDelayed)
    assert [one.pid for one in delayed.wait.blockers] == [other.info.backend_pid]
    assert indexes_of(db, "t") == VALID


def test_a_second_build_begins_when_the_first_is_over(
    building: Building, db: Database, events: Events, holder: Connection
) -> None:
    first = db.connect()
    building.outside("first", CREATE)
    events.on(BuildDelayed, holder.rollback)
    with ThreadPoolExecutor(1) as pool:
        build = pool.submit(first.execute, "CREATE INDEX CONCURRENTLY other ON t (d)")
        db.wait_until(
            "EXISTS (SELECT FROM pg_stat_progress_create_index WHERE phase LIKE 'w%old%')"
        )
        building.upgrade()
        build.result()
    assert len(events.of(BuildDelayed)) == 1
    assert indexes_of(db, "t") == [("i", True), ("other", True), ("t_pkey", True)]


def test_a_deadlock_is_cleared_up_and_tried_again(
    building: Building, db: Database, events: Events, holder: Connection
) -> None:
    building.outside("first", CREATE)
    with ThreadPoolExecutor(1) as pool:

        def meet() -> None:
            # the build waits for the snapshot already, so that its check for deadlocks comes first
            if waits(events) and not events.of(BuildRetried) and not pool._shutdown:
                pool.submit(collide)
                pool.shutdown(wait=False)

        def collide() -> None:
            holder.execute("LOCK TABLE t IN SHARE MODE")
            holder.rollback()

        events.on(BuildProgressed, meet)
        building.upgrade()
    assert [one.reason for one in events.of(BuildRetried)] == ["deadlock"]
    assert indexes_of(db, "t") == VALID


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_index_of_a_session_that_was_ended_is_removed_beside(
    building: Building, db: Database, events: Events, gate: Connection, driver: str
) -> None:
    building.use_driver(driver)
    building.outside("first", "CREATE INDEX CONCURRENTLY i ON t (pass(id, c))")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_progress_create_index"

    def cut_off() -> None:
        if not gate.closed:
            db.execute(end)

    events.on(BuildProgressed, cut_off)
    with pytest.raises(SafemigrateError, match="connection was lost"):
        building.upgrade()
    assert indexes_of(db, "t") == [("t_pkey", True)]
    gate.close()
    building.upgrade()
    assert indexes_of(db, "t") == VALID


def test_the_index_of_a_runner_that_was_killed_is_built_anew(
    building: Building, db: Database, events: Events, gate: Connection
) -> None:
    building.outside("first", "CREATE INDEX CONCURRENTLY i ON t (pass(id, c))")
    folder = building.folder
    command = (sys.executable, "-m", "safemigrate", "upgrade")
    options = ("-c", str(folder.config), "--url", folder.url, "--override", "a test")
    with subprocess.Popen((*command, *options), stderr=subprocess.DEVNULL) as runner:
        db.wait_until("EXISTS (SELECT FROM pg_stat_progress_create_index WHERE blocks_done > 0)")
        runner.kill()
    oid = db.scalar("SELECT 'i'::regclass::oid")
    # the server sees that nobody waits for the session any more
    db.wait_until("NOT EXISTS (SELECT FROM pg_stat_progress_create_index)")
    gate.close()
    building.upgrade()
    assert [one.is_own for one in events.of(LeftoverRemoved)] == [False]
    assert db.scalar("SELECT 'i'::regclass::oid") != oid
    assert indexes_of(db, "t") == VALID


def test_an_index_that_cannot_go_after_a_signal_is_told_of(
    building: Building, db: Database, events: Events, writer: Connection
) -> None:
    building.outside("first", CREATE)

    def stop() -> None:
        if waits(events) and not events.of(StopRequested):
            os.kill(os.getpid(), signal.SIGTERM)

    events.on(BuildProgressed, stop)
    with pytest.raises(InterruptedRunError, match="stopped by SIGTERM") as caught:
        building.upgrade()
    assert caught.value.exit_code == 4
    assert 'INVALID index "public.i" of CREATE INDEX CONCURRENTLY i' in caught.value.hint
    assert indexes_of(db, "t") == [("i", False), ("t_pkey", True)]
    writer.rollback()
    building.upgrade()
    assert indexes_of(db, "t") == VALID


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_signal_ends_the_build_and_leaves_nothing(
    building: Building, db: Database, events: Events, holder: Connection, driver: str
) -> None:
    building.use_driver(driver)
    building.outside("first", CREATE)

    def stop() -> None:
        if waits(events) and not events.of(StopRequested):
            os.kill(os.getpid(), signal.SIGTERM)

    events.on(BuildProgressed, stop)
    with pytest.raises(RunStoppedError, match="stopped by SIGTERM") as caught:
        building.upgrade()
    assert "nothing was changed" in caught.value.hint
    assert indexes_of(db, "t") == [("t_pkey", True)]
    holder.rollback()
    events.seen.clear()
    building.upgrade()
    assert indexes_of(db, "t") == VALID


def test_progress_is_told_by_phase_and_percent(
    building: Building, db: Database, events: Events, gate: Connection
) -> None:
    db.execute("UPDATE t SET d = repeat('x', 200)")
    db.execute("VACUUM FULL t")
    building.outside("first", "CREATE INDEX CONCURRENTLY i ON t (pass(id, c))")
    seen: list[BuildProgressed] = []

    def look() -> None:
        seen.extend(events.of(BuildProgressed))
        gate.close()

    events.on(BuildProgressed, look)
    building.upgrade()
    event = seen[0]
    assert (event.part, event.parts) == (1, 1)
    assert event.blocks_total > event.blocks_done > 0
    assert event.percent == 100 * event.blocks_done // event.blocks_total
    assert indexes_of(db, "t") == VALID


def test_names_are_found_as_the_session_finds_them(
    building: Building, db: Database, events: Events
) -> None:
    schema, table, index = '"My ""S"""', '"T 1"', '"I ""x"'
    db.execute(f"CREATE SCHEMA {schema}")
    db.execute(f'CREATE TABLE {schema}.{table} ("a%b" int)')
    db.execute(f"INSERT INTO {schema}.{table} VALUES (1), (1)")  # noqa: S608 - names of the test
    leave_invalid(db, f'CREATE UNIQUE INDEX CONCURRENTLY {index} ON {schema}.{table} ("a%b")')
    create = f'CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON {table} ("a%b")'
    building.outside(
        "first", f"SET search_path = {schema}, public", f'{create} WHERE "a%b" % 2 = 1'
    )
    building.upgrade()
    assert [one.relation for one in events.of(LeftoverRemoved)] == [f"{schema}.{index}"]
    found = "SELECT indisvalid, indisunique FROM pg_index JOIN pg_class AS c ON c.oid = indrelid"
    assert db.rows(f"{found} WHERE c.relname = 'T 1'") == [(True, False)]
