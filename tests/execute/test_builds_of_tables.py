"""DROP INDEX, REINDEX and DETACH … CONCURRENTLY, and VALIDATE, end well in one run or the next."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from safemigrate.errors import InterruptedRunError, RunStoppedError, SafemigrateError
from safemigrate.execute import (
    BuildDelayed,
    BuildProgressed,
    BuildRetried,
    HoldersFound,
    LeftoverRemoved,
)
from tests.execute.building import (
    DRIVERS,
    Building,
    indexes_of,
    let_go_when_waited_for,
    wait_until_old,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.execute.conftest import Connection, Database, Events, Runner

DETACH = "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY"
VALIDATE = "ALTER TABLE t VALIDATE CONSTRAINT positive"


@pytest.fixture
def building(runner: Runner) -> Building:
    return Building(runner)


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    db.execute("CREATE TABLE t (id int PRIMARY KEY, c text)")
    db.execute("INSERT INTO t SELECT n, n FROM generate_series(1, 100) AS n")
    db.execute("CREATE INDEX i ON t (c)")
    db.execute("CREATE TABLE p (id int) PARTITION BY RANGE (id)")
    db.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    db.execute("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)")


@pytest.fixture
def user(db: Database) -> Connection:
    """A session whose transaction has read all the tables."""
    connection = db.connect(autocommit=False)
    connection.execute("SELECT FROM t, p")
    wait_until_old(db, connection)
    return connection


@contextmanager
def cancelled(db: Database, statement: str) -> Iterator[None]:
    """Run the statement, which waits for somebody, and cancel it while it does."""
    session = db.connect()
    pid = session.info.backend_pid
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(session.execute, statement.encode())
        db.wait_until(f"EXISTS (SELECT FROM pg_locks WHERE pid = {pid} AND NOT granted)")
        db.execute(f"SELECT pg_cancel_backend({pid})")
        with pytest.raises(psycopg.errors.QueryCanceled):
            work.result()
    yield


def pending(db: Database) -> list[tuple[object, ...]]:
    """Return the partitions of the table, and which of them is detached by half."""
    return db.rows(
        "SELECT inhrelid::regclass::text, inhdetachpending FROM pg_inherits"
        " WHERE inhparent = 'p'::regclass ORDER BY 1"
    )


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    "statement", ["DROP INDEX CONCURRENTLY i", "REINDEX INDEX CONCURRENTLY i", DETACH]
)
def test_whoever_uses_the_table_is_named_and_waited_for(
    building: Building,
    db: Database,
    events: Events,
    user: Connection,
    *,
    statement: str,
    driver: str,
) -> None:
    building.use_driver(driver)
    building.outside("first", statement)

    let_go_when_waited_for(events, user)
    building.upgrade()
    (found,) = events.of(HoldersFound)
    assert [one.pid for one in found.holders] == [user.info.backend_pid]
    assert pending(db) == [("p1", False), ("p2", False)][statement == DETACH :]
    gone = statement.startswith("DROP")
    assert indexes_of(db, "t") == [("i", True), ("t_pkey", True)][gone:]


def test_an_index_that_was_half_dropped_goes_with_the_next_run(
    building: Building, db: Database, user: Connection
) -> None:
    building.outside("first", "DROP INDEX CONCURRENTLY i")
    with pytest.raises(SafemigrateError, match="gave up waiting"):
        building.upgrade(deadline=0.5)
    assert indexes_of(db, "t") == [("i", False), ("t_pkey", True)]
    user.rollback()
    building.upgrade(deadline=30)
    assert indexes_of(db, "t") == [("t_pkey", True)]


@pytest.mark.parametrize("what", ["INDEX CONCURRENTLY i", "TABLE CONCURRENTLY t"])
def test_what_another_rebuild_has_left_is_removed(
    building: Building, db: Database, events: Events, user: Connection, what: str
) -> None:
    with cancelled(db, f"REINDEX {what}"):
        left = [one for one in indexes_of(db, "t") if one[1] is False]
    assert len(left) == (1 if what.startswith("INDEX") else 2)
    user.rollback()
    building.outside("first", f"REINDEX {what}")
    building.upgrade()
    assert indexes_of(db, "t") == [("i", True), ("t_pkey", True)]
    assert {(one.table, one.is_own) for one in events.of(LeftoverRemoved)} <= {
        ("t", False),
        ("pg_toast.pg_toast_" + str(db.scalar("SELECT 't'::regclass::oid")), False),
    }
    assert db.scalar("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0


def test_a_rebuild_that_gives_up_leaves_what_was_there(
    building: Building, db: Database, events: Events
) -> None:
    holder = db.connect(autocommit=False)
    holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    holder.execute("SELECT FROM p")
    building.outside("first", "REINDEX INDEX CONCURRENTLY i")
    with pytest.raises(RunStoppedError, match=f"held by pid {holder.info.backend_pid}"):
        building.upgrade(deadline=0.5)
    assert indexes_of(db, "t") == [("i", True), ("t_pkey", True)]
    assert [one.relation for one in events.of(LeftoverRemoved)] == ["public.i_ccnew"]


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_detaching_that_was_interrupted_is_finished_by_the_next_run(
    building: Building, db: Database, events: Events, user: Connection, driver: str
) -> None:
    building.use_driver(driver)
    building.outside("first", DETACH)
    with pytest.raises(InterruptedRunError, match="gave up waiting"):
        building.upgrade(deadline=0.5)
    assert pending(db) == [("p1", True), ("p2", False)]
    user.rollback()
    building.upgrade(deadline=30)
    assert pending(db) == [("p2", False)]
    assert [(one.relation, one.table) for one in events.of(LeftoverRemoved)] == [
        ("public.p1", "public.p")
    ]


def test_finalize_stays_out_of_the_queue_until_snapshots_are_gone(
    building: Building, db: Database, events: Events, user: Connection
) -> None:
    with cancelled(db, DETACH):
        assert pending(db) == [("p1", True), ("p2", False)]
    queued: list[object] = []

    def let_go() -> None:
        queued.append(db.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        user.rollback()

    building.outside("first", "ALTER TABLE p DETACH PARTITION p1 FINALIZE")
    events.on(BuildDelayed, let_go)
    building.upgrade()
    assert queued == [0]
    assert pending(db) == [("p2", False)]


def test_detaching_does_not_stand_before_those_who_use_the_partition_by_its_name(
    building: Building, db: Database, events: Events
) -> None:
    user = db.connect(autocommit=False)
    user.execute("SELECT FROM p1")
    building.outside("first", DETACH)

    def let_go() -> None:
        assert pending(db) == [("p1", True), ("p2", False)]
        db.execute("SELECT FROM p1")
        user.rollback()

    events.on(BuildDelayed, let_go)
    building.upgrade()
    assert [one.reason for one in events.of(BuildRetried)] == ["lock timeout"]
    assert pending(db) == [("p2", False)]


@pytest.fixture
def constraint(db: Database) -> str:
    """A constraint that is not validated, and what tells whether it is."""
    db.execute("ALTER TABLE t ADD CONSTRAINT positive CHECK (id > 0) NOT VALID")
    return "SELECT convalidated FROM pg_constraint WHERE conname = 'positive'"


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize("is_outside", [False, True])
def test_validation_stands_beside_whoever_maintains_the_table(
    building: Building,
    db: Database,
    events: Events,
    constraint: str,
    driver: str,
    *,
    is_outside: bool,
) -> None:
    building.use_driver(driver)
    (building.outside if is_outside else building.within)("first", VALIDATE)
    other = db.connect(autocommit=False)
    other.execute("LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
    events.on(BuildDelayed, other.rollback)
    building.upgrade()
    assert len(events.of(BuildDelayed)) == 1
    assert db.scalar(constraint) is True


def test_validation_of_a_foreign_key_waits_longer_than_a_lock_timeout(
    building: Building, db: Database, events: Events
) -> None:
    db.execute("CREATE TABLE child (t int)")
    db.execute("ALTER TABLE child ADD CONSTRAINT k FOREIGN KEY (t) REFERENCES t NOT VALID")
    building.within("first", "ALTER TABLE child VALIDATE CONSTRAINT k")
    other = db.connect(autocommit=False)
    other.execute("LOCK TABLE t IN EXCLUSIVE MODE")

    def let_go() -> None:
        db.wait_until(
            "EXISTS (SELECT FROM pg_locks WHERE NOT granted"
            " AND clock_timestamp() - waitstart > '300 ms')"
        )
        other.rollback()

    events.on(BuildProgressed, let_go)
    building.upgrade()
    assert db.scalar("SELECT convalidated FROM pg_constraint WHERE conname = 'k'") is True


def test_validation_gives_up_at_the_deadline(
    building: Building, db: Database, constraint: str
) -> None:
    building.within("first", VALIDATE)
    other = db.connect(autocommit=False)
    other.execute("LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
    with pytest.raises(RunStoppedError, match=f"held by pid {other.info.backend_pid}"):
        building.upgrade(deadline=0.5)
    assert db.scalar(constraint) is False


def test_the_timeouts_of_the_session_are_as_before(building: Building, db: Database) -> None:
    db.execute("CREATE TABLE seen (timeout text)")
    note = (
        "INSERT INTO seen SELECT current_setting('lock_timeout') || ' ' ||"
        " current_setting('statement_timeout')"
    )
    db.execute("ALTER TABLE t ADD CONSTRAINT positive CHECK (id > 0) NOT VALID")
    building.within("first", "SET LOCAL statement_timeout = '90s'", note, VALIDATE, note)
    building.outside(
        "second",
        "SET statement_timeout = '80s'",
        "REINDEX INDEX CONCURRENTLY i",
        note,
        VALIDATE,
        note,
    )
    building.upgrade()
    first, second, third, fourth = db.rows("SELECT timeout FROM seen")
    assert first == second
    assert str(first[0]).endswith(" 90s")
    assert third == fourth
    assert str(third[0]).endswith(" 80s")


def test_what_is_not_there_is_said_by_the_server(building: Building, db: Database) -> None:
    building.outside("first", "DROP INDEX CONCURRENTLY IF EXISTS nowhere")
    building.upgrade()
    building.outside("second", "ALTER TABLE t VALIDATE CONSTRAINT nowhere")
    with pytest.raises(SafemigrateError, match="42704"):
        building.upgrade()
    assert db.versions() == ["first"]
