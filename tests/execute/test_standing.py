"""Where a database stands is told without writing to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import InterruptedRunError
from safemigrate.execute import PlannedRevision, read_history, read_standing
from safemigrate.execute.deploylock import deploy_lock_key
from safemigrate.journal import Outcome
from safemigrate.model import Direction

if TYPE_CHECKING:
    from tests.execute.conftest import Database, ProjectFolder, Runner

FIRST = PlannedRevision("first", "the first revision")
SECOND = PlannedRevision("second", "the second revision")


@pytest.fixture(autouse=True)
def revisions(folder: ProjectFolder) -> None:
    folder.add("first", 'op.execute("CREATE TABLE t (id int)")')
    folder.add("second", "pass")


def test_an_empty_database_has_everything_pending_and_stays_empty(
    folder: ProjectFolder, db: Database
) -> None:
    before = db.scalar("SELECT count(*) FROM pg_class")
    xid = db.scalar("SELECT pg_snapshot_xmax(pg_current_snapshot())")
    standing = read_standing(folder.open())
    assert standing.current == ()
    assert standing.heads == (SECOND,)
    assert standing.pending == (FIRST, SECOND)
    assert standing.last is None
    assert standing.runner is None
    assert read_history(folder.open()) == ()
    assert db.scalar("SELECT count(*) FROM pg_class") == before
    assert db.scalar("SELECT to_regnamespace('safemigrate') IS NULL") is True
    # not even a transaction that could have written
    assert db.scalar("SELECT pg_snapshot_xmax(pg_current_snapshot())") == xid


def test_a_database_half_way_has_the_rest_pending(folder: ProjectFolder, runner: Runner) -> None:
    runner.upgrade("first")
    standing = read_standing(folder.open())
    assert standing.current == (FIRST,)
    assert standing.pending == (SECOND,)
    assert standing.last is not None
    assert standing.last.entry.revision == "first"
    assert standing.last.message == "the first revision"


def test_a_database_at_its_head_has_nothing_pending(folder: ProjectFolder, runner: Runner) -> None:
    runner.upgrade()
    standing = read_standing(folder.open())
    assert standing.current == standing.heads == (SECOND,)
    assert standing.pending == ()
    history = read_history(folder.open())
    assert [line.entry.revision for line in history] == ["first", "second"]
    assert [line.entry.number for line in history] == [1, 2]


def test_a_revision_without_a_file_is_unknown(folder: ProjectFolder, runner: Runner) -> None:
    runner.upgrade()
    (folder.path / "migrations" / "versions" / "second.py").unlink()
    standing = read_standing(folder.open())
    assert standing.unknown == ("second",)
    assert standing.pending == ()
    assert standing.current == (PlannedRevision("second", ""),)
    assert read_history(folder.open())[1].message == ""


def test_a_failed_run_is_the_last_one(folder: ProjectFolder, runner: Runner, db: Database) -> None:
    folder.add("third", 'op.execute("SELECT 1 / 0")')
    with pytest.raises(Exception, match="division by zero"):
        runner.upgrade()
    last = read_standing(folder.open()).last
    assert last is not None
    assert last.entry.outcome is Outcome.FAILED
    assert "division by zero" in last.entry.error
    assert db.versions() == ["second"]


def test_a_runner_at_work_is_shown(folder: ProjectFolder, db: Database) -> None:
    namespace, database = deploy_lock_key(str(db.scalar("SELECT current_database()")))
    db.execute(f"SELECT pg_advisory_lock({namespace}, {database})")
    runner = read_standing(folder.open()).runner
    assert runner is not None
    assert runner.pid == db.scalar("SELECT pg_backend_pid()")


def test_what_was_left_half_done_is_shown(folder: ProjectFolder, db: Database) -> None:
    db.execute('CREATE TABLE "Odd" (id int, CONSTRAINT fine CHECK (id > 0))')
    db.execute('INSERT INTO "Odd" VALUES (1), (1)')
    db.execute('ALTER TABLE "Odd" ADD CONSTRAINT late CHECK (id < 9) NOT VALID')
    with pytest.raises(Exception, match="duplicated"):
        db.execute('CREATE UNIQUE INDEX CONCURRENTLY broken ON "Odd" (id)')
    standing = read_standing(folder.open())
    ((index),) = standing.invalid_indexes
    assert (index.index, index.table, index.is_being_built) == ("broken", '"Odd"', False)
    ((constraint),) = standing.unvalidated_constraints
    assert (constraint.constraint, constraint.table) == ("late", '"Odd"')


def test_a_constraint_that_is_not_enforced_is_not_half_done(
    folder: ProjectFolder, db: Database
) -> None:
    is_new = db.scalar("SELECT current_setting('server_version_num')::int >= 180000")
    suffix = " NOT ENFORCED" if is_new else ""
    db.execute(f"CREATE TABLE t (id int, CONSTRAINT loose CHECK (id > 0){suffix})")
    assert read_standing(folder.open()).unvalidated_constraints == ()


def test_a_downgrade_that_failed_on_its_way_is_half_done_until_it_is_taken_back(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    path = folder.add(
        "third",
        'op.execute("CREATE TABLE u (id int)")',
        'op.execute("DROP TABLE u")\nwith op.get_context().autocommit_block():\n    pass\n'
        'op.execute("SELECT 1 / 0")',
    )
    runner.upgrade()
    with pytest.raises(InterruptedRunError, match="division by zero"):
        runner.downgrade("second")
    (partial,) = read_standing(folder.open()).partial
    assert partial.revision.revision == "third"
    assert partial.direction is Direction.DOWNGRADE
    assert partial.committed == ("DROP TABLE u",)
    db.execute("CREATE TABLE u (id int)")
    path.write_text(path.read_text().replace("SELECT 1 / 0", "SELECT 1"))
    runner.downgrade("second")
    assert read_standing(folder.open()).partial == ()
