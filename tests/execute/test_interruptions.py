"""Whatever cuts a run off, nothing is lost and the exit says what stays."""

from __future__ import annotations

import signal
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from safemigrate.errors import InterruptedRunError, RevisionFailedError, RunStoppedError
from safemigrate.execute import RevisionStarted, RunWarned, open_site
from safemigrate.execute.control import ControlLostError
from safemigrate.execute.deploylock import deploy_lock_key
from safemigrate.execute.stopping import StopSignal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.execute.conftest import Database, Events, Process, ProjectFolder, Runner

    Start = Callable[[], Process]

CREATE = 'op.execute("CREATE TABLE t (id int)")'
DIE = 'op.execute("SELECT pg_terminate_backend(pg_backend_pid())")'
INSERT = 'op.execute("INSERT INTO t VALUES (1)")'
DIE_AT_COMMIT = (
    'op.execute("CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t DEFERRABLE'
    ' INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()")'
)
CUT_CONTROL = (
    'op.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity'
    " WHERE application_name LIKE 'safemigrate %'\")"
)
SLEEP = 'op.execute("SELECT pg_sleep(600)")'
IS_SLEEPING = (
    "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    " AND state = 'active' AND datname = current_database())"
)


HOLDS_LOCK = (
    'op.execute("CREATE TABLE held AS SELECT EXISTS (SELECT FROM pg_locks WHERE granted'
    " AND locktype = 'advisory' AND objsubid = 2) AS is_held\")"
)

ASYNC_ENV = """
import asyncio

from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine


def work(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    url = context.config.get_main_option("sqlalchemy.url")
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(work)


asyncio.run(main())
"""


def test_a_connection_lost_in_the_first_revision_changes_nothing(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    file = folder.add("first", f"{CREATE}\n{DIE}")
    with pytest.raises(RunStoppedError) as caught:
        runner.upgrade()
    assert f'the connection was lost in revision "first", {file}:11' in caught.value.message
    assert "57P01" in caught.value.message
    assert "nothing was changed" in caught.value.hint
    assert not db.has("t")
    assert db.history() == [("first", "upgrade", "failed", 1)]


def test_a_connection_lost_in_a_later_revision_keeps_the_earlier_ones(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    second = folder.add("second", f'op.execute("CREATE TABLE u (id int)")\n{DIE}')
    with pytest.raises(InterruptedRunError) as caught:
        runner.upgrade()
    assert 'applied in this run and kept: "first"' in caught.value.hint
    assert "safemigrate status" in caught.value.hint
    assert db.versions() == ["first"]
    second.write_text(second.read_text().replace(DIE, "pass"))
    assert runner.upgrade().heads == ("second",)
    assert db.has("u")


def test_a_connection_lost_in_an_autocommit_block_names_what_was_committed(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", f"{CREATE}\nwith op.get_context().autocommit_block():\n    {DIE}")
    with pytest.raises(InterruptedRunError, match="57P01") as caught:
        runner.upgrade()
    assert "committed already: CREATE TABLE t (id int)" in caught.value.hint
    assert db.has("t")
    assert db.scalar("SELECT committed FROM safemigrate.history") == ["CREATE TABLE t (id int)"]


def test_a_connection_lost_in_the_commit_is_told_as_not_known(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END'"
    )
    folder.add(
        "first",
        f"{CREATE}\n{DIE_AT_COMMIT}\n{INSERT}",
    )
    with pytest.raises(InterruptedRunError) as caught:
        runner.upgrade()
    assert 'whether revision "first" was committed is not known' in caught.value.hint
    assert db.versions() == []


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_deploy_lock_that_is_lost_is_taken_anew_when_nobody_else_has_it(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events, driver: str
) -> None:
    if driver == "asyncpg":
        folder.write_env(ASYNC_ENV)
    folder.url = folder.url.replace("+psycopg:", f"+{driver}:")
    folder.add("first", f"{CREATE}\n{CUT_CONTROL}\n{INSERT}")
    folder.add("second", f"{INSERT}\n{HOLDS_LOCK}")
    assert runner.upgrade().heads == ("second",)
    assert db.scalar("SELECT is_held FROM held") is True
    warnings = [event.text for event in events.of(RunWarned)]
    assert [text for text in warnings if "it was taken anew" in text] == warnings
    assert len(warnings) == 1


def test_nothing_is_committed_when_somebody_else_has_the_deploy_lock(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events
) -> None:
    folder.add("first", CREATE)
    runner.upgrade()
    folder.add("second", f"{CUT_CONTROL}\n{INSERT}")
    other = db.connect()
    (pid,) = other.execute("SELECT pg_backend_pid()").fetchone() or ()
    name = str(db.scalar("SELECT current_database()"))
    waits = f"SELECT pg_advisory_lock{deploy_lock_key(name)}"
    queue = threading.Thread(target=other.execute, args=(waits.encode(),))

    def line_up() -> None:
        queue.start()
        db.wait_until(f"EXISTS (SELECT FROM pg_locks WHERE pid = {pid} AND NOT granted)")

    events.on(RevisionStarted, lambda: None if queue.ident else line_up())
    with pytest.raises(RunStoppedError, match=f"deploy lock was lost, and is held by pid {pid} "):
        runner.upgrade()
    queue.join()
    assert db.versions() == ["first"]
    assert db.scalar("SELECT count(*) FROM t") == 0


def test_a_failure_is_recorded_when_the_control_connection_is_lost(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", f'{CUT_CONTROL}\nop.execute("SELECT 1 / 0")')
    with pytest.raises(RevisionFailedError):
        runner.upgrade()
    assert db.history() == [("first", "upgrade", "failed", 1)]


def test_the_last_revision_counts_even_when_the_control_connection_is_lost_in_it(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", f"{CREATE}\n{CUT_CONTROL}")
    assert runner.upgrade().heads == ("first",)
    assert db.versions() == ["first"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels_the_statement_and_rolls_the_revision_back(
    folder: ProjectFolder, start: Start, db: Database, number: signal.Signals
) -> None:
    folder.add("first", f"{CREATE}\n{SLEEP}")
    process = start()
    db.wait_until(IS_SLEEPING)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert out.splitlines() == ["RunPlanned", "RunConfigured", "RevisionStarted", "StopRequested"]
    assert f'stopped by {number.name} in revision "first"' in err
    assert "nothing was changed" in err
    assert "Traceback" not in err
    assert not db.has("t")
    stored = db.scalar("SELECT error FROM safemigrate.history")
    assert stored == f'stopped by {number.name} in revision "first"'


def test_a_signal_after_an_applied_revision_is_a_stop_part_way(
    folder: ProjectFolder, start: Start, db: Database
) -> None:
    folder.add("first", CREATE)
    folder.add("second", SLEEP)
    process = start()
    db.wait_until(IS_SLEEPING)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 4, err
    assert 'applied in this run and kept: "first"' in err
    assert db.versions() == ["first"]


def test_a_signal_ends_the_wait_for_a_lock(
    folder: ProjectFolder, start: Start, db: Database
) -> None:
    db.execute("CREATE TABLE t (id int)")
    folder.add("first", 'op.execute("ALTER TABLE t ADD COLUMN c int")')
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    process = start()
    assert process.stdout is not None
    assert any("RevisionRetried" in line for line in process.stdout)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert "stopped by SIGTERM" in err


def test_a_killed_run_leaves_nothing_half_done_and_the_next_one_finishes(
    folder: ProjectFolder, start: Start, runner: Runner, db: Database
) -> None:
    first = folder.add("first", f"{CREATE}\n{SLEEP}")
    process = start()
    db.wait_until(IS_SLEEPING)
    process.kill()
    process.communicate()
    db.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE query LIKE 'SELECT pg_sleep%'"
    )
    assert not db.has("t")
    first.write_text(first.read_text().replace(SLEEP, "pass"))
    assert runner.upgrade().heads == ("first",)


def test_a_signal_is_seen_while_the_driver_lets_no_python_run(
    folder: ProjectFolder, start: Start, db: Database
) -> None:
    ini = folder.config.read_text()
    folder.config.write_text(f"{ini}sqlalchemy.url = postgresql+psycopg2://nowhere/nothing\n")
    folder.add("first", f"assert op.get_bind().dialect.driver == 'psycopg2'\n{SLEEP}")
    process = start()
    db.wait_until(IS_SLEEPING)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert "stopped by SIGTERM" in err


def test_a_signal_that_hits_the_wait_for_it_ends_the_wait() -> None:
    """The code that waits may have the lock of what it waits on at that moment."""
    with StopSignal(print) as stop:
        lock = vars(stop._asked)["_cond"]
        with lock:
            # without it a handler that takes the lock would hang for ever
            helper = threading.Timer(10, lock.release)
            helper.start()
            signal.raise_signal(signal.SIGTERM)
            helper.cancel()
            helper.join()
        stop.sleep(30)
        assert stop.received == "SIGTERM"
        assert stop._asked.is_set()


@pytest.mark.parametrize("cuts", [False, True])
def test_what_another_thread_asks_of_a_control_connection_that_is_closed_is_told_as_lost(
    folder: ProjectFolder, *, cuts: bool
) -> None:
    with open_site(folder.open(), lock_timeout=timedelta(seconds=1)) as site:
        control = site.control
    # where the thread has looked whether it is lost just before it was closed
    control._is_lost = control._is_lost and not cuts
    with pytest.raises(ControlLostError):
        control.run(lambda connection: connection.exec_driver_sql("SELECT 1"))


def test_nothing_is_cancelled_behind_the_end_of_a_run(
    folder: ProjectFolder, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[object] = []
    leave = StopSignal.__exit__

    def look(stop: StopSignal, *details: Any) -> None:
        left.append(stop.cancel)
        leave(stop, *details)

    monkeypatch.setattr(StopSignal, "__exit__", look)
    folder.add("first", CREATE)
    runner.upgrade()
    assert left == [None]
