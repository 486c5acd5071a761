"""Look, then lock: the application never stands behind a statement that cannot go on."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import psycopg
import pytest
from sqlalchemy.engine import make_url

from safemigrate.catalog import read_server
from safemigrate.errors import LockTimeoutError, RunStoppedError
from safemigrate.execute import (
    Clearance,
    HolderEnded,
    Inquiry,
    LockWaited,
    RevisionFinished,
    RevisionRetried,
    RunSettings,
    RunWarned,
    TableBusy,
    Timing,
    WhenBusy,
)
from safemigrate.plan import walk_pending
from safemigrate.source import record
from tests.execute.test_environments import ASYNC_ENV

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.execute.conftest import Connection, Database, Events, ProjectFolder, Runner

ADD = 'op.execute("ALTER TABLE t ADD COLUMN c int")'
UPDATE = 'op.execute("UPDATE u SET id = id")'


def test_work_does_not_use_up_the_time_to_wait(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    """By the clock the first revision takes an hour."""
    ahead = 0.0

    def work() -> None:
        nonlocal ahead
        ahead = 3600.0

    folder.add("first", 'op.execute("CREATE TABLE v (id int)")')
    folder.add("second", ADD)
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    events.on(RevisionFinished, work)
    events.on(TableBusy, blocker.rollback)
    seeing.runner.settings = RunSettings(
        deadline=timedelta(seconds=30), timing=Timing(now=lambda: time.monotonic() + ahead)
    )
    report = seeing.runner.upgrade(check=seeing.clear)
    assert [one.revision.revision for one in report.applied] == ["first", "second"]
    assert len(events.of(TableBusy)) == 1


@pytest.mark.parametrize(
    "statement",
    ['op.execute("ALTER TABLE t ADD COLUMN c int")', 'op.execute("DROP VIEW w")'],
)
def test_who_has_no_time_to_wait_names_the_holders_all_the_same(
    folder: ProjectFolder, seeing: Seeing, db: Database, statement: str
) -> None:
    db.execute("CREATE VIEW w AS SELECT id FROM t")
    folder.add("first", statement)
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM w")
    with pytest.raises(LockTimeoutError, match=r'ACCESS EXCLUSIVE on "[tw]"') as caught:
        seeing.upgrade(seconds=0)
    assert f"held by pid {blocker.info.backend_pid} (" in caught.value.hint


def test_a_policy_with_nobody_listed_is_warned_of(
    folder: ProjectFolder, seeing: Seeing, events: Events
) -> None:
    folder.add("first", ADD)
    seeing.upgrade(when_busy=WhenBusy.TERMINATE)
    (warned,) = events.of(RunWarned)
    assert warned.text.startswith("nobody is ended by when-busy terminate, for neither")


@pytest.mark.parametrize(
    ("policy", "application", "reason"),
    [
        (WhenBusy.TERMINATE, "another", "is not listed"),
        (WhenBusy.CANCEL, "a test", "runs no statement that could be cancelled"),
    ],
)
def test_who_is_not_ended_is_told_with_the_reason(
    seeing: Seeing, db: Database, policy: WhenBusy, application: str, reason: str
) -> None:
    seeing.folder.add("first", ADD)
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    with pytest.raises(LockTimeoutError):
        seeing.upgrade(seconds=1, when_busy=policy, applications=(application,))
    (warned,) = seeing.events.of(RunWarned)
    assert warned.text.startswith(f"not ended: pid {blocker.info.backend_pid} (")
    assert warned.text.endswith(f"; it {reason}")


# So long a stay in a queue, if there were one, would end requests behind it.
PATIENT = timedelta(seconds=2)


@dataclass
class Seeing:
    """Runs a project with all that is foreseen of it, as the commands do."""

    runner: Runner

    @property
    def folder(self) -> ProjectFolder:
        return self.runner.folder

    @property
    def events(self) -> Events:
        return self.runner.events

    def upgrade(
        self,
        *,
        seconds: float = 30,
        when_busy: WhenBusy = WhenBusy.WAIT,
        roles: tuple[str, ...] = (),
        applications: tuple[str, ...] = (),
        stall_budget: timedelta | None = None,
        lock_timeout: timedelta = timedelta(milliseconds=100),
    ) -> RevisionFinished:
        """Run what is pending, one revision, and return what is told of its end."""
        self.runner.settings = RunSettings(
            lock_timeout=lock_timeout,
            deadline=timedelta(seconds=seconds),
            when_busy=when_busy,
            expendable_roles=roles,
            expendable_applications=applications,
            stall_budget=stall_budget,
        )
        (finished,) = self.runner.upgrade(check=self.clear).applied
        return finished

    def clear(self, inquiry: Inquiry) -> Clearance:
        history = record(self.runner.folder.open(), version=inquiry.server_version)
        catalog = inquiry.reading(read_server).catalog("the database")
        return Clearance(
            passages=walk_pending(
                history,
                inquiry.pending,
                inquiry.direction,
                before=catalog,
                version=inquiry.server_version,
            )
        )


class Requests:
    """An application that reads and writes a table, and minds when it has to wait for long."""

    def __init__(self, session: Connection, *statements: str) -> None:
        self.delayed: list[str] = []
        self.count = 0
        self._session = session
        self._statements = statements
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        # in the queue behind a lock that is not granted a request would be ended by this; far more
        # than a busy machine takes for a lock that is granted, far less than PATIENT
        self._session.execute("SET lock_timeout = '500ms'")
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def go_on(self, count: int) -> None:
        """Return when so many further requests have been made; fail after 30 s."""
        last = self.count + count
        end = time.monotonic() + 30
        while self.count < last:
            assert time.monotonic() < end
            self._is_over.wait(0.01)

    def _work(self) -> None:
        while not self._is_over.wait(0.002):
            for statement in self._statements:
                try:
                    self._session.execute(statement.encode())
                except psycopg.errors.LockNotAvailable:
                    self.delayed.append(statement)
                self.count += 1


@pytest.fixture
def seeing(runner: Runner) -> Seeing:
    return Seeing(runner)


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    db.execute("CREATE TABLE t (id int PRIMARY KEY)")
    db.execute("CREATE TABLE u (id int PRIMARY KEY)")
    db.execute("INSERT INTO t VALUES (1)")


@pytest.fixture
def reader(db: Database) -> Iterator[Connection]:
    """A session that has read the table in a transaction that goes on."""
    connection = db.connect(autocommit=False)
    connection.execute("SELECT /* a report */ FROM t")
    yield connection
    # it may have been ended meanwhile
    with contextlib.suppress(psycopg.OperationalError):
        connection.rollback()


def test_requests_go_on_while_a_reader_is_waited_for(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    folder.add("first", ADD)
    with Requests(db.connect(), "SELECT FROM t", "UPDATE t SET id = id") as requests:

        def let_go() -> None:
            requests.go_on(100)
            assert db.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted") == 0
            reader.rollback()

        events.on(TableBusy, let_go)
        finished = seeing.upgrade(lock_timeout=PATIENT)
    assert requests.delayed == []
    (busy,) = events.of(TableBusy)
    assert (busy.relation, busy.mode) == ("t", "ACCESS EXCLUSIVE")
    (holder,) = busy.holders
    assert holder.pid == reader.info.backend_pid
    assert holder.query == "SELECT /* a report */ FROM t"
    assert events.of(RevisionRetried) == []
    assert finished.attempts == 1
    assert finished.stalled < timedelta(seconds=1)


@pytest.mark.usefixtures("reader")
def test_a_run_that_gives_up_names_who_held_the_table_and_changes_nothing(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    folder.add("first", f'op.execute("CREATE TABLE v (id int)")\n{ADD}')
    with (
        Requests(db.connect(), "SELECT FROM t") as requests,
        pytest.raises(LockTimeoutError, match='waiting for ACCESS EXCLUSIVE on "t"') as caught,
    ):
        seeing.upgrade(seconds=1, lock_timeout=PATIENT)
    assert "SELECT /* a report */ FROM t" in caught.value.hint
    assert "nothing was changed" in caught.value.hint
    assert requests.delayed == []
    assert events.of(LockWaited) == []
    assert not db.has("v")
    assert db.versions() == []


def test_what_came_before_in_the_transaction_is_not_done_again(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    folder.add(
        "first",
        "op.execute(\"CREATE TABLE v AS SELECT nextval('s')\")\n" + ADD,
    )
    db.execute("CREATE SEQUENCE s")
    events.on(TableBusy, reader.rollback)
    assert seeing.upgrade().attempts == 1
    assert db.scalar("SELECT last_value FROM s") == 1


def test_all_tables_of_a_transaction_are_taken_before_the_first_is_changed(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    folder.add("first", f'op.execute("ALTER TABLE u ADD COLUMN c int")\n{ADD}')
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    with Requests(db.connect(), "SELECT FROM u") as requests:

        def let_go() -> None:
            assert (
                db.scalar(
                    "SELECT count(*) FROM pg_locks WHERE relation = 'u'::regclass"
                    " AND mode = 'AccessExclusiveLock'"
                )
                == 0
            )
            requests.go_on(50)
            blocker.rollback()

        events.on(TableBusy, let_go)
        seeing.upgrade(lock_timeout=PATIENT)
    assert requests.delayed == []
    assert [busy.relation for busy in events.of(TableBusy)] == ["t"]


def test_the_table_that_a_foreign_key_refers_to_is_looked_at_too(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    db.execute("ALTER TABLE u ADD COLUMN t_id int")
    folder.add("first", 'op.execute("ALTER TABLE u ADD FOREIGN KEY (t_id) REFERENCES t NOT VALID")')
    writer = db.connect(autocommit=False)
    writer.execute("UPDATE t SET id = id")
    events.on(TableBusy, writer.rollback)
    seeing.upgrade()
    (busy,) = events.of(TableBusy)
    assert (busy.relation, busy.mode) == ("t", "SHARE ROW EXCLUSIVE")


def test_partitions_are_looked_at_too(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    db.execute("CREATE TABLE parted (id int) PARTITION BY LIST (id)")
    db.execute("CREATE TABLE part PARTITION OF parted FOR VALUES IN (1)")
    folder.add("first", 'op.execute("ALTER TABLE parted ADD COLUMN c int")')
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM part")
    events.on(TableBusy, blocker.rollback)
    seeing.upgrade()
    assert [busy.relation for busy in events.of(TableBusy)] == ["part"]


def test_a_view_is_looked_at_and_its_statement_tried_in_a_savepoint(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    db.execute("CREATE VIEW w AS SELECT id FROM t")
    folder.add("first", 'op.execute("DROP VIEW w")')
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM w")
    with Requests(db.connect(), "SELECT FROM w") as requests:

        def let_go() -> None:
            requests.go_on(50)
            blocker.rollback()
            requests.stop()

        events.on(TableBusy, let_go)
        seeing.upgrade(lock_timeout=PATIENT)
    assert requests.delayed == []
    assert [busy.relation for busy in events.of(TableBusy)] == ["w"]
    assert events.of(RevisionRetried) == []
    assert not db.has("w")


def test_a_lock_that_was_not_foreseen_is_tried_for_again_in_place(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    db.execute(
        "CREATE FUNCTION hidden() RETURNS void LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE 'ALTER TABLE ' || 't' || ' ADD COLUMN c int'; END $$"
    )
    folder.add("first", 'op.execute("SELECT hidden()")')
    events.on(TableBusy, reader.rollback)
    finished = seeing.upgrade()
    assert finished.attempts == 1
    assert events.of(RevisionRetried) == []
    assert db.scalar("SELECT count(*) FROM information_schema.columns WHERE table_name = 't'") == 2


def test_a_statement_outside_a_transaction_is_tried_again_in_place(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    folder.add(
        "first",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE TABLE v (id int)")\n' + f"    {ADD}",
    )
    with Requests(db.connect(), "SELECT FROM t") as requests:

        def let_go() -> None:
            requests.go_on(50)
            reader.rollback()

        events.on(TableBusy, let_go)
        seeing.upgrade(lock_timeout=PATIENT)
    assert requests.delayed == []
    assert events.of(RevisionRetried) == []
    assert len(events.of(TableBusy)) == 1


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
def test_every_driver_waits_beside_the_queue(
    seeing: Seeing, db: Database, reader: Connection, driver: str
) -> None:
    folder, events = seeing.folder, seeing.events
    folder.url = folder.url.replace("+psycopg", f"+{driver}")
    assert driver in folder.url
    if driver == "asyncpg":
        folder.write_env(ASYNC_ENV.format(pool="NullPool"))
    db.execute("CREATE SEQUENCE s")
    folder.add("first", f"op.execute(\"CREATE TABLE v AS SELECT nextval('s')\")\n{ADD}")
    events.on(TableBusy, reader.rollback)
    assert seeing.upgrade().attempts == 1
    assert len(events.of(TableBusy)) == 1
    assert db.scalar("SELECT last_value FROM s") == 1


def test_where_all_is_free_nothing_is_told(
    folder: ProjectFolder, seeing: Seeing, events: Events
) -> None:
    folder.add("first", f'{ADD}\nop.execute("ALTER TABLE u ADD COLUMN c int")')
    seeing.upgrade()
    assert events.of(TableBusy) == []
    assert events.of(RunWarned) == []


def test_terminate_ends_listed_sessions_and_no_others(
    folder: ProjectFolder, seeing: Seeing, events: Events, db: Database, reader: Connection
) -> None:
    folder.add("first", ADD)
    seeing.upgrade(
        when_busy=WhenBusy.TERMINATE,
        applications=("a test",),
        seconds=2,
    )
    (ended,) = events.of(HolderEnded)
    assert (ended.holder.pid, ended.relation, ended.is_session) == (
        reader.info.backend_pid,
        "t",
        True,
    )
    db.wait_until(f"NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = {ended.holder.pid})")


@pytest.mark.parametrize(
    ("when_busy", "application", "listed"),
    [
        (WhenBusy.TERMINATE, "report", "another"),
        (WhenBusy.CANCEL, "report", "report"),
        (WhenBusy.TERMINATE, "pg_dump", "pg_dump"),
    ],
    ids=["not listed", "idle", "backup"],
)
def test_nobody_else_is_ended(
    seeing: Seeing, db: Database, when_busy: WhenBusy, application: str, listed: str
) -> None:
    """A session that is idle in its transaction has no statement to cancel."""
    reader = db.connect(autocommit=False)
    reader.execute(f"SET application_name = '{application}'".encode())
    reader.execute("SELECT FROM t")
    seeing.folder.add("first", ADD)
    with Requests(db.connect(), "SELECT FROM t") as requests, pytest.raises(LockTimeoutError):
        seeing.upgrade(
            when_busy=when_busy,
            applications=(listed,),
            seconds=1,
            lock_timeout=PATIENT,
        )
    assert seeing.events.of(HolderEnded) == []
    assert requests.delayed == []


def test_cancel_ends_the_statement_of_a_listed_role(
    folder: ProjectFolder, seeing: Seeing, events: Events, db: Database
) -> None:
    folder.add("first", ADD)
    role = str(db.scalar("SELECT current_user"))
    report = db.connect()
    report.pgconn.send_query(b"SELECT pg_sleep(60) FROM t")
    db.wait_until("EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass)")
    seeing.upgrade(when_busy=WhenBusy.CANCEL, roles=(role,), seconds=2)
    result = report.pgconn.get_result()
    assert result is not None
    assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
    while report.pgconn.get_result() is not None:
        pass
    (ended,) = events.of(HolderEnded)
    assert not ended.is_session


def test_the_ramp_stands_in_the_queue_for_ever_longer(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    folder.add("first", ADD)
    events.on(LockWaited, reader.rollback)
    finished = seeing.upgrade(when_busy=WhenBusy.RAMP, seconds=2)
    assert finished.attempts == 1
    assert db.scalar("SELECT count(*) FROM information_schema.columns WHERE table_name = 't'") == 2


def test_an_autovacuum_is_driven_out_by_a_lock_that_nobody_feels(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    db.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
    db.execute("SELECT pg_reload_conf()")
    try:
        db.execute("INSERT INTO t SELECT generate_series(2, 200000)")
        db.execute("DELETE FROM t WHERE id % 2 = 0")
        db.execute(
            "ALTER TABLE t SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit"
            " = 1, autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0)"
        )
        db.wait_until(
            "EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE relation = 't'::regclass AND backend_type = 'autovacuum worker'"
            " AND clock_timestamp() - xact_start > interval '200 ms')"
        )
        folder.add("first", ADD)
        with Requests(db.connect(), "SELECT FROM t WHERE id = 1") as requests:
            finished = seeing.upgrade(lock_timeout=PATIENT)
    finally:
        db.execute("ALTER SYSTEM RESET autovacuum_naptime")
        db.execute("SELECT pg_reload_conf()")
    assert requests.delayed == []
    assert finished.attempts == 1
    (busy,) = events.of(TableBusy)
    assert busy.holders[0].is_autovacuum


def test_an_autovacuum_of_what_is_stored_beside_a_table_is_driven_out_too(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    """What drops a table wants its TOAST table, which LOCK TABLE does not take."""
    db.execute("CREATE TABLE wide (id int, body text)")
    db.execute("ALTER TABLE wide ALTER body SET STORAGE EXTERNAL")
    db.execute("INSERT INTO wide SELECT g, repeat('x', 8000) FROM generate_series(1, 500) AS g")
    db.execute("UPDATE wide SET body = repeat('y', 8000) WHERE id % 2 = 0")
    db.execute(
        "ALTER TABLE wide SET (autovacuum_enabled = false, toast.autovacuum_vacuum_threshold = 1,"
        " toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_cost_delay = 100,"
        " toast.autovacuum_vacuum_cost_limit = 1)"
    )
    db.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
    db.execute("SELECT pg_reload_conf()")
    try:
        db.wait_until(
            "EXISTS (SELECT FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE relation ="
            " (SELECT reltoastrelid FROM pg_class WHERE oid = 'wide'::regclass)"
            " AND backend_type = 'autovacuum worker'"
            " AND clock_timestamp() - xact_start > interval '200 ms')"
        )
        folder.add("first", 'op.execute("DROP TABLE wide")')
        with Requests(db.connect(), "SELECT FROM wide WHERE id = 1") as requests:
            events.on(TableBusy, requests.stop)
            seeing.upgrade()
    finally:
        db.execute("ALTER SYSTEM RESET autovacuum_naptime")
        db.execute("SELECT pg_reload_conf()")
    assert events.of(TableBusy)[0].holders[0].is_autovacuum
    assert not db.has("wide")


def test_a_role_without_the_right_to_lock_looks_and_tries_the_statement(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    db.execute("CREATE ROLE refers LOGIN")
    db.execute(
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO refers',"
        " current_database()); END $$"
    )
    try:
        db.execute("GRANT CREATE, USAGE ON SCHEMA public TO refers")
        db.execute("GRANT REFERENCES ON t TO refers")
        db.execute("ALTER TABLE u ADD COLUMN t_id int")
        db.execute("ALTER TABLE u OWNER TO refers")
        env = (folder.path / "migrations" / "env.py").read_text()
        folder.write_env(
            env.replace(
                "    context.configure",
                '    connection.exec_driver_sql("SET ROLE refers")\n'
                "    connection.commit()\n    context.configure",
            )
        )
        folder.add(
            "first", 'op.execute("ALTER TABLE u ADD FOREIGN KEY (t_id) REFERENCES t NOT VALID")'
        )
        writer = db.connect(autocommit=False)
        writer.execute("UPDATE t SET id = id")
        events.on(TableBusy, writer.rollback)
        assert seeing.upgrade().attempts == 1
        (busy,) = events.of(TableBusy)
        assert (busy.relation, busy.mode) == ("t", "SHARE ROW EXCLUSIVE")
    finally:
        db.execute("DROP OWNED BY refers CASCADE")
        db.execute("DROP ROLE refers")


def test_rows_are_waited_for_longer_than_locks(
    folder: ProjectFolder, seeing: Seeing, db: Database
) -> None:
    db.execute("CREATE TABLE seen (lock_timeout text)")
    look = "op.execute(\"INSERT INTO seen SELECT current_setting('lock_timeout')\")"
    folder.add("first", f"{look}\n{ADD}\n{look}")
    seeing.upgrade()
    assert db.rows("SELECT * FROM seen") == [("2s",), ("100ms",)]


def test_a_timeout_that_a_revision_sets_is_left_alone(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    db.execute("CREATE TABLE seen (lock_timeout text)")
    look = "op.execute(\"INSERT INTO seen SELECT current_setting('lock_timeout')\")"
    folder.add("first", f"op.execute(\"SET lock_timeout = '7s'\")\n{look}\n{ADD}\n{look}")
    events.on(TableBusy, reader.rollback)
    seeing.upgrade()
    assert db.rows("SELECT * FROM seen") == [("7s",), ("7s",)]


def test_changed_rows_are_not_kept_from_others_while_a_table_is_busy(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    """Nothing is done before the table is free, once it was seen not to be."""
    db.execute("INSERT INTO u VALUES (1)")
    folder.add("first", f"{UPDATE}\n{ADD}")

    def check() -> None:
        if events.of(RevisionRetried):
            db.execute("SET lock_timeout = '1ms'")
            db.execute("UPDATE u SET id = id")
            reader.rollback()

    events.on(TableBusy, check)
    assert seeing.upgrade().attempts == 2
    assert events.of(RevisionRetried)[0].reason == "lock timeout"


def test_a_run_that_waits_stops_when_it_is_asked_to(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    folder.add("first", ADD)
    events.on(TableBusy, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(RunStoppedError, match="stopped by SIGTERM"):
        seeing.upgrade()
    reader.rollback()
    assert db.versions() == []


def test_a_session_that_waits_is_not_ended_for_being_idle(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    db.execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout"
        " = %L', current_database(), '1500ms'); END $$"
    )
    folder.add("first", ADD)
    with Requests(db.connect(), "SELECT FROM t") as requests:

        def let_go() -> None:
            threading.Timer(2.5, reader.rollback).start()

        events.on(TableBusy, let_go)
        seeing.upgrade(lock_timeout=PATIENT)
    assert requests.delayed == []


def test_a_role_that_may_not_see_others_goes_by_what_it_sees_itself(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events, reader: Connection
) -> None:
    """How old a transaction is only its own role may read, and who reads all statistics."""
    db.execute("CREATE ROLE plain LOGIN")
    try:
        db.execute("GRANT ALL ON SCHEMA public TO plain")
        reader.rollback()
        db.execute("ALTER TABLE t OWNER TO plain")
        db.execute(
            "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO plain',"
            " current_database()); END $$"
        )
        reader.execute("SELECT FROM t")
        url = make_url(folder.url).set(username="plain")
        folder.url = url.render_as_string(hide_password=False)
        folder.add("first", ADD)
        events.on(TableBusy, reader.rollback)
        assert seeing.upgrade().attempts == 1
        (busy,) = events.of(TableBusy)
        (holder,) = busy.holders
        assert (holder.pid, holder.age) == (reader.info.backend_pid, None)
    finally:
        reader.rollback()
        db.execute("DROP OWNED BY plain CASCADE")
        db.execute("DROP ROLE plain")


def test_a_vacuum_against_wraparound_is_named_and_left_alone(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    db.execute(
        "ALTER TABLE t SET (autovacuum_freeze_max_age = 100000, autovacuum_vacuum_cost_delay = 100,"
        " autovacuum_vacuum_cost_limit = 1)"
    )
    db.execute("INSERT INTO t SELECT generate_series(2, 100000)")
    # what has an exception handler takes a transaction id of its own when it writes
    db.execute(
        "DO $$ BEGIN FOR i IN 1..100100 LOOP BEGIN INSERT INTO u VALUES (0); RAISE EXCEPTION '';"
        " EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $$"
    )
    db.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
    db.execute("SELECT pg_reload_conf()")
    worker = (
        "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE relation = 't'::regclass"
        " AND backend_type = 'autovacuum worker'"
    )
    try:
        db.wait_until(f"EXISTS (SELECT {worker} AND clock_timestamp() - xact_start > '200 ms')")
        assert "wraparound" in str(db.scalar(f"SELECT query {worker}"))
        pid = db.scalar(f"SELECT pid {worker}")
        folder.add("first", ADD)
        with pytest.raises(LockTimeoutError) as caught:
            seeing.upgrade(seconds=2)
        assert db.scalar(f"SELECT pid {worker}") == pid
    finally:
        db.execute("ALTER SYSTEM RESET autovacuum_naptime")
        db.execute("SELECT pg_reload_conf()")
        db.execute(f"SELECT pg_terminate_backend(pid) {worker}")
    assert f"pid {pid} (vacuum against wraparound" in caught.value.hint
    assert events.of(TableBusy)[0].holders[0].nature == "vacuum against wraparound"


def test_holding_a_lock_for_longer_than_the_budget_is_told(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    folder.add("first", f'{ADD}\nop.execute("SELECT pg_sleep(0.2)")')
    finished = seeing.upgrade(stall_budget=timedelta(milliseconds=100))
    (warned,) = events.of(RunWarned)
    assert 'locks on "public.t" were held for' in warned.text
    assert finished.stalled > timedelta(milliseconds=200)
    # the history has the same, but for the commit
    assert int(str(db.scalar("SELECT stalled_ms FROM safemigrate.history"))) >= 200


def test_the_budget_of_the_ramp_has_room_for_the_ramp() -> None:
    assert RunSettings().stall_limit == timedelta(seconds=1)
    assert RunSettings(when_busy=WhenBusy.RAMP).stall_limit == timedelta(seconds=4)
    assert RunSettings(stall_budget=timedelta(seconds=9)).stall_limit == timedelta(seconds=9)
