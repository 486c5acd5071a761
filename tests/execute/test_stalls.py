"""The stall budget: what was queued for and held is what the application has waited, by table."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import InterruptedRunError, LockTimeoutError
from safemigrate.execute import (
    HolderEnded,
    LockWaited,
    RevisionFinished,
    RevisionRetried,
    RunSettings,
    RunWarned,
    TableBusy,
    WhenBusy,
)
from safemigrate.journal.durations import count_milliseconds
from tests.execute.conftest import Database, Events, Runner, make_folder
from tests.execute.test_look import UPDATE, Requests, Seeing
from tests.postgres.clusters import open_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.execute.conftest import ProjectFolder

ADD = 'op.execute("ALTER TABLE t ADD COLUMN c int")'
NAP = 'op.execute("SELECT pg_sleep(0.2)")'
BLOCK = "with op.get_context().autocommit_block():\n    "
DROP = 'op.execute("ALTER TABLE t DROP COLUMN id CASCADE")'
SHORT = timedelta(milliseconds=100)


@pytest.fixture
def seeing(runner: Runner, db: Database) -> Seeing:
    make_tables(db)
    return Seeing(runner)


def make_tables(db: Database) -> None:
    db.execute("CREATE TABLE t (id int PRIMARY KEY)")
    db.execute("CREATE TABLE u (id int PRIMARY KEY)")
    db.execute("INSERT INTO t VALUES (1)")
    db.execute("CREATE VIEW v AS SELECT id FROM t")
    db.execute(
        "CREATE FUNCTION nap(text) RETURNS int LANGUAGE sql VOLATILE"
        " AS 'SELECT 1 FROM pg_sleep($1::float)'"
    )


@pytest.mark.parametrize(
    ("relation", "first", "second"),
    [
        ("t", f"{ADD}\n{NAP}", DROP),
        ("t", f"{BLOCK}op.execute(\"ALTER TABLE t ADD COLUMN c int DEFAULT nap('0.2')\")", DROP),
        (
            "v",
            f'op.execute("ALTER VIEW v ALTER id SET DEFAULT 1")\n{NAP}',
            'op.execute("DROP VIEW v")',
        ),
    ],
    ids=["in a transaction", "outside of one", "what LOCK TABLE does not take"],
)
def test_a_relation_whose_budget_was_held_away_is_not_queued_for_any_more(
    seeing: Seeing, db: Database, relation: str, first: str, second: str
) -> None:
    folder, events = seeing.folder, seeing.events
    folder.add("first", first)
    folder.add("second", second)
    reader = db.connect(autocommit=False)
    requests = Requests(db.connect(), f"SELECT FROM {relation}")
    with ExitStack() as stack:

        def get_in_the_way() -> None:
            reader.execute(f"SELECT FROM {relation}".encode())
            stack.enter_context(requests)

        events.on(RevisionFinished, get_in_the_way)
        with pytest.raises(InterruptedRunError, match=f'for ACCESS EXCLUSIVE on "{relation}"'):
            # the ramp would stand in the queue after a second
            seeing.upgrade(when_busy=WhenBusy.RAMP, seconds=2, stall_budget=SHORT)
    assert requests.count > 50
    assert requests.delayed == []
    assert events.of(LockWaited) == []
    assert events.of(TableBusy) != []
    assert events.of(RunWarned)[-1].text == (
        f'the stall budget of 0.1 s is spent for "public.{relation}", which is asked for without '
        "queueing from now on"
    )
    assert db.versions() == ["first"]


def test_the_budget_of_another_table_is_whole(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    folder.add("first", f"{ADD}\n{NAP}")
    folder.add("second", DROP.replace("TABLE t", "TABLE u"))
    reader = db.connect(autocommit=False)
    events.on(RevisionFinished, lambda: reader.execute("SELECT FROM u"))
    with pytest.raises(InterruptedRunError, match='waiting for ACCESS EXCLUSIVE on "u"'):
        seeing.upgrade(when_busy=WhenBusy.RAMP, seconds=2, stall_budget=SHORT)
    assert [waited.wait.relation for waited in events.of(LockWaited)] == ["u"]


def test_a_table_without_a_budget_is_altered_as_soon_as_it_is_free(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    folder.add("first", f"{ADD}\n{NAP}")
    folder.add("second", DROP)
    reader = db.connect(autocommit=False)

    def get_in_the_way() -> None:
        if len(events.of(RevisionFinished)) == 1:
            reader.execute("SELECT FROM t")

    events.on(RevisionFinished, get_in_the_way)
    events.on(TableBusy, reader.rollback)
    seeing.runner.settings = RunSettings(when_busy=WhenBusy.RAMP, stall_budget=SHORT)
    seeing.runner.upgrade(check=seeing.clear)
    assert db.versions() == ["second"]
    assert events.of(LockWaited) == []


def test_a_lock_held_outside_of_a_transaction_is_told(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    folder.add("first", f"{BLOCK}op.execute(\"ALTER TABLE t ADD c int DEFAULT nap('0.2')\")")
    finished = seeing.upgrade(stall_budget=SHORT)
    (warned,) = events.of(RunWarned)
    assert 'locks on "public.t" were held for' in warned.text
    assert finished.stalled > timedelta(milliseconds=200)
    assert row_of(db) == (0, count_milliseconds(finished.stalled))


def test_waiting_beside_the_queue_and_holding_are_in_the_history_too(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    folder.add("first", f"{ADD}\n{NAP}")
    reader = db.connect(autocommit=False)
    reader.execute("SELECT FROM t")

    def let_go() -> None:
        threading.Event().wait(0.3)
        reader.rollback()

    events.on(TableBusy, let_go)
    finished = seeing.upgrade()
    assert finished.attempts == 1
    assert finished.waited > timedelta(milliseconds=300)
    assert finished.stalled > timedelta(milliseconds=200)
    waited, stalled = row_of(db)
    assert waited == count_milliseconds(finished.waited)
    # but for the commit
    assert 200 < stalled <= count_milliseconds(finished.stalled)


def test_an_attempt_given_up_is_waited_for_once(
    folder: ProjectFolder, seeing: Seeing, db: Database, events: Events
) -> None:
    """The rows of the transaction are not kept for long, so that it is begun anew."""
    db.execute("INSERT INTO u VALUES (1)")
    folder.add("first", f"{UPDATE}\n{ADD}")
    reader = db.connect(autocommit=False)
    reader.execute("SELECT FROM t")

    def let_go() -> None:
        if events.of(RevisionRetried):
            reader.rollback()

    events.on(TableBusy, let_go)
    finished = seeing.upgrade()
    assert finished.attempts == 2
    assert timedelta(seconds=2) < finished.waited <= finished.duration
    assert row_of(db)[0] == count_milliseconds(finished.waited)


def row_of(db: Database) -> tuple[int, int]:
    """Return what the newest entry of the history has: waited and stalled, in milliseconds."""
    ((waited, stalled),) = db.rows(
        "SELECT waited_ms, stalled_ms FROM safemigrate.history ORDER BY id DESC LIMIT 1"
    )
    return int(str(waited)), int(str(stalled))


def events_of_holders(seeing: Seeing) -> set[tuple[int, str, str]]:
    told = seeing.events.of(TableBusy)
    return {(one.pid, one.user, one.nature) for event in told for one in event.holders}


@pytest.fixture(params=[False, True], ids=["of this start", "from before a restart"])
def prepared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Seeing, Database]]:
    """A project on a server that takes prepared transactions, one of which holds the table."""
    settings = {"max_prepared_transactions": "2"}
    with open_cluster() as cluster:
        cluster.start(settings)
        with closing(Database(cluster.url())) as db:
            make_tables(db)
            session = db.connect(autocommit=False)
            session.execute("SAVEPOINT one")
            session.execute("UPDATE t SET id = id")
            session.execute("PREPARE TRANSACTION 'of a queue'")
            session.rollback()
        if request.param:
            cluster.stop()
            cluster.start(settings)
        folder = make_folder(tmp_path, cluster.url())
        with closing(Database(cluster.url())) as db:
            yield Seeing(Runner(folder, Events())), db


@pytest.mark.parametrize("when_busy", [WhenBusy.WAIT, WhenBusy.TERMINATE])
def test_a_prepared_transaction_is_waited_for_by_its_name_and_never_ended(
    prepared: tuple[Seeing, Database], when_busy: WhenBusy
) -> None:
    seeing, db = prepared
    seeing.folder.add("first", ADD)
    role = str(db.scalar("SELECT current_user"))
    with pytest.raises(LockTimeoutError) as caught:
        seeing.upgrade(seconds=1, when_busy=when_busy, roles=(role,))
    assert 'prepared transaction "of a queue"' in caught.value.hint
    assert events_of_holders(seeing) == {(0, role, 'prepared transaction "of a queue"')}
    assert seeing.events.of(HolderEnded) == []
    assert db.scalar("SELECT gid FROM pg_prepared_xacts") == "of a queue"
    seeing.events.on(TableBusy, lambda: db.execute("COMMIT PREPARED 'of a queue'"))
    seeing.upgrade()
    assert db.versions() == ["first"]
