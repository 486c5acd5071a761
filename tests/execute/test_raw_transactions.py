"""A revision may write COMMIT and its like as SQL, and nothing is done twice for all that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import InterruptedRunError
from safemigrate.execute import RevisionRetried
from tests.execute.building import DRIVERS, Building

if TYPE_CHECKING:
    from tests.execute.conftest import Database, Events, ProjectFolder, Runner

COUNT_UP = 'op.execute("UPDATE t SET n = n + 1")\n'
UPDATE = 'op.execute("UPDATE u SET id = id")\n'
COMMIT = 'op.execute("COMMIT")\n'
# It fails until its table is opened.
GATE = 'op.execute("UPDATE gate SET n = 1 / n")\n'
BLOCK = "with op.get_context().autocommit_block():\n    "


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    db.execute("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)")
    db.execute("INSERT INTO t VALUES (1)")
    db.execute("CREATE TABLE u (id int PRIMARY KEY)")
    db.execute("INSERT INTO u VALUES (1)")
    db.execute("CREATE TABLE gate (n int)")
    db.execute("INSERT INTO gate VALUES (0)")


def cut_off(runner: Runner) -> InterruptedRunError:
    with pytest.raises(InterruptedRunError) as caught:
        runner.upgrade()
    return caught.value


def count(db: Database) -> object:
    return db.scalar("SELECT n FROM t")


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_commit_before_a_lock_that_is_not_had_is_not_repeated(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events, driver: str
) -> None:
    Building(runner).use_driver(driver)
    folder.add("one", COUNT_UP + COMMIT + UPDATE)
    holder = db.connect(autocommit=False)
    holder.execute("UPDATE u SET id = id")
    events.on(RevisionRetried, holder.rollback)
    (finished,) = runner.upgrade().applied
    assert finished.attempts > 1
    assert count(db) == 1


@pytest.mark.parametrize("driver", DRIVERS)
@pytest.mark.parametrize(
    "body",
    [
        COUNT_UP + COMMIT + GATE,
        'op.execute("CREATE TABLE z (id int)")\n' + COMMIT + COUNT_UP + COMMIT + GATE,
        COUNT_UP + 'op.execute("END")\n' + 'op.execute("SELECT 1")\n' + GATE,
    ],
)
def test_a_run_goes_on_after_a_commit_in_sql(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str, body: str
) -> None:
    Building(runner).use_driver(driver)
    folder.add("one", body)
    assert "goes on after statement" in cut_off(runner).hint
    assert count(db) == 1
    db.execute("UPDATE gate SET n = 1")
    runner.upgrade()
    assert count(db) == 1
    assert db.versions() == ["one"]


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
def test_what_a_driver_leaves_outside_of_a_transaction_is_written_down_at_once(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str
) -> None:
    Building(runner).use_driver(driver)
    folder.add("one", COMMIT + COUNT_UP + GATE)
    assert "goes on after statement 1" in cut_off(runner).hint
    db.execute("UPDATE gate SET n = 1")
    runner.upgrade()
    assert count(db) == 1
    assert db.versions() == ["one"]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize(
    "text", ["UPDATE t SET n = n + 1; COMMIT", "BEGIN; UPDATE t SET n = n + 1; COMMIT"]
)
def test_a_text_that_commits_is_done_once(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str, text: str
) -> None:
    Building(runner).use_driver(driver)
    folder.add("one", f'op.execute("{text}")\n' + GATE)
    assert "goes on after statement 1" in cut_off(runner).hint
    db.execute("UPDATE gate SET n = 1")
    runner.upgrade()
    assert count(db) == 1
    assert db.versions() == ["one"]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("block", ["", BLOCK])
def test_a_text_that_fails_behind_its_own_commit_is_in_doubt(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str, block: str
) -> None:
    Building(runner).use_driver(driver)
    text = "BEGIN; UPDATE t SET n = n + 1; COMMIT; SELECT * FROM nowhere"
    folder.add("one", f'{block}op.execute("{text}")')
    cut_off(runner)
    db.execute("CREATE TABLE nowhere (id int)")
    assert "safemigrate resolve one --statement 1" in cut_off(runner).hint
    assert count(db) == 1


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_rollback_in_sql_takes_back_what_was_noted(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str
) -> None:
    Building(runner).use_driver(driver)
    folder.add("one", COUNT_UP + 'op.execute("ROLLBACK")\n' + 'op.execute("SELECT 1")\n')
    runner.upgrade()
    assert count(db) == 0
    assert db.scalar("SELECT count(*) FROM safemigrate.statement") == 0
