"""Revisions are applied one by one, each in a transaction of its own, and written down."""

from __future__ import annotations

import getpass
import socket
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import (
    DatabaseError,
    GateRefusedError,
    InterruptedRunError,
    RevisionError,
    RevisionFailedError,
    UsageError,
)
from safemigrate.execute import (
    Clearance,
    Inquiry,
    RevisionFinished,
    RevisionStarted,
    RunPlanned,
)

if TYPE_CHECKING:
    from tests.execute.conftest import Database, Events, ProjectFolder, Runner

CREATE = 'op.execute("CREATE TABLE t (id int)")'
DROP = 'op.execute("DROP TABLE t")'
ADD = 'op.execute("ALTER TABLE t ADD COLUMN c int")'
REMOVE = 'op.execute("ALTER TABLE t DROP COLUMN c")'


@pytest.fixture
def two(folder: ProjectFolder) -> ProjectFolder:
    folder.add("first", CREATE, DROP)
    folder.add("second", ADD, REMOVE)
    return folder


@pytest.mark.usefixtures("two")
def test_everything_pending_is_applied_and_told(
    runner: Runner, db: Database, events: Events
) -> None:
    report = runner.upgrade()
    assert report.heads == ("second",)
    assert [one.revision.revision for one in report.applied] == ["first", "second"]
    assert db.versions() == ["second"]
    assert db.scalar("SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass") == 8
    (plan,) = events.of(RunPlanned)
    assert [one.message for one in plan.revisions] == ["the first revision", "the second revision"]
    assert [event.position for event in events.of(RevisionStarted)] == [1, 2]
    assert len(events.of(RevisionFinished)) == 2


@pytest.mark.usefixtures("two")
def test_a_second_run_finds_nothing_to_do(runner: Runner, db: Database) -> None:
    runner.upgrade()
    report = runner.upgrade()
    assert report.applied == ()
    assert report.heads == ("second",)
    assert len(db.history()) == 2


@pytest.mark.usefixtures("two")
def test_a_run_that_finds_nothing_to_do_makes_no_journal(runner: Runner, db: Database) -> None:
    report = runner.upgrade("base")
    assert report.applied == ()
    assert db.scalar("SELECT to_regnamespace('safemigrate') IS NULL") is True
    assert not db.has("alembic_version")


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("target", ["+1", "first", "firs"])
def test_a_target_is_what_alembic_takes(runner: Runner, db: Database, target: str) -> None:
    assert runner.upgrade(target).heads == ("first",)
    assert db.versions() == ["first"]


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("target", "left"), [("-1", ["first"]), ("first", ["first"]), ("base", [])]
)
def test_a_downgrade_goes_back_to_its_target(
    runner: Runner, db: Database, target: str, left: list[str]
) -> None:
    runner.upgrade()
    assert list(runner.downgrade(target).heads) == left
    assert db.versions() == left
    assert db.history()[2] == ("second", "downgrade", "applied", 1)


@pytest.mark.usefixtures("two")
def test_a_row_says_who_did_what_when_and_with_what(runner: Runner, db: Database) -> None:
    before = db.scalar("SELECT clock_timestamp()")
    runner.upgrade("first")
    after = db.scalar("SELECT clock_timestamp()")
    ((started, finished, duration_ms, waited_ms, *who),) = db.rows(
        "SELECT started_at, finished_at, duration_ms, waited_ms,"
        " database_user, os_user, host, package_version, error FROM safemigrate.history"
    )
    assert before < started <= finished < after  # type: ignore[operator] # rows are untyped
    assert duration_ms >= 0  # type: ignore[operator] # the same
    assert waited_ms == 0
    assert who == [
        db.scalar("SELECT current_user"),
        getpass.getuser(),
        socket.gethostname(),
        version("safemigrate"),
        "",
    ]


def test_a_row_is_written_in_the_transaction_of_its_revision(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    folder.add("same", 'op.execute("CREATE TABLE xid AS SELECT pg_current_xact_id()::xid AS id")')
    runner.upgrade()
    query = "SELECT {0}.xmin = xid.id FROM {0}, xid"
    assert db.scalar(query.format("alembic_version")) is True
    assert db.scalar(query.format("safemigrate.history") + " WHERE revision = 'same'") is True


def test_a_failing_revision_leaves_nothing_but_a_note(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    file = folder.add("first", CREATE + '\nop.execute("SELECT 1 / 0")')
    with pytest.raises(RevisionFailedError) as caught:
        runner.upgrade()
    assert not db.has("t")
    assert db.versions() == []
    assert db.history() == [("first", "upgrade", "failed", 1)]
    message = caught.value.message
    assert f'revision "first" failed at {file}:11: division by zero' in message
    assert "22012" in message
    assert "SELECT 1 / 0" in message
    assert str(db.scalar("SELECT error FROM safemigrate.history")) in message


def test_an_exception_of_the_code_is_told_with_its_line(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE + '\nraise LookupError("no such thing")')
    with pytest.raises(RevisionFailedError, match=r"first\.py:11: LookupError: no such thing"):
        runner.upgrade()
    assert not db.has("t")


def test_what_was_applied_before_the_failure_stays_and_is_named(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    folder.add("second", 'op.execute("ALTER TABLE nowhere ADD COLUMN c int")')
    with pytest.raises(InterruptedRunError, match="42P01") as caught:
        runner.upgrade()
    assert 'applied in this run and kept: "first"' in caught.value.hint
    assert "safemigrate status" in caught.value.hint
    assert db.versions() == ["first"]
    assert db.history() == [("first", "upgrade", "applied", 1), ("second", "upgrade", "failed", 1)]


def test_what_an_autocommit_block_committed_is_named(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "first",
        f"{CREATE}\nwith op.get_context().autocommit_block():\n    op.execute('SELECT 1')\n"
        'op.execute("SELECT 1 / 0")',
    )
    with pytest.raises(InterruptedRunError) as caught:
        runner.upgrade()
    assert "committed already" in caught.value.hint
    assert "CREATE TABLE t" in caught.value.hint
    assert db.has("t")
    assert db.versions() == []


def test_a_constraint_that_fails_at_the_commit_rolls_everything_back(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "first",
        'op.execute("CREATE TABLE t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")\n'
        'op.execute("INSERT INTO t VALUES (1), (1)")',
    )
    with pytest.raises(RevisionFailedError, match="23505"):
        runner.upgrade()
    assert not db.has("t")
    assert db.history() == [("first", "upgrade", "failed", 1)]


def test_a_revision_that_commits_by_itself_is_recorded_all_the_same(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", f"{CREATE}\nop.get_bind().commit()\n{ADD}")
    assert runner.upgrade().heads == ("first",)
    assert db.versions() == ["first"]
    assert db.history() == [("first", "upgrade", "applied", 1)]


def test_work_that_was_taken_back_is_not_reported_as_done(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    db.execute(
        "CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
    )
    db.execute(
        "CREATE TRIGGER keep_out BEFORE INSERT ON alembic_version"
        " FOR EACH ROW EXECUTE FUNCTION keep_out()"
    )
    folder.add("first", CREATE)
    with pytest.raises(InterruptedRunError, match='at base instead of "first"'):
        runner.upgrade()


@pytest.mark.usefixtures("two")
def test_the_gate_is_asked_before_anything_is_changed(runner: Runner, db: Database) -> None:
    asked: list[Inquiry] = []

    def refuse(inquiry: Inquiry) -> Clearance:
        asked.append(inquiry)
        raise GateRefusedError("no")

    with pytest.raises(GateRefusedError):
        runner.upgrade(check=refuse)
    (inquiry,) = asked
    assert inquiry.pending == ("first", "second")
    assert inquiry.server_version.major == db.scalar(
        "SELECT current_setting('server_version_num')::int / 10000"
    )
    assert not db.has("alembic_version")
    assert db.scalar("SELECT to_regnamespace('safemigrate') IS NULL") is True


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nope", 'no such revision or branch "nope"'),
        ("+3", "relative revision \\+3 didn't produce 3 migrations"),
        ("-1", "relative revision -1"),
    ],
)
def test_a_target_that_is_not_there_is_named(runner: Runner, target: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        runner.upgrade(target)


def test_one_head_of_several_must_be_named(folder: ProjectFolder, runner: Runner) -> None:
    folder.add("first", CREATE)
    folder.newest = None
    folder.add("other", "pass")
    with pytest.raises(UsageError, match='"head" is ambiguous'):
        runner.upgrade("head")
    assert runner.upgrade("heads").heads == ("first", "other")
    with pytest.raises(UsageError, match='"-1" is ambiguous'):
        runner.downgrade("-1")


def test_merged_branches_end_in_one_head(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    folder.newest = None
    folder.add("other", "pass")
    file = folder.add("merge", "pass")
    file.write_text(
        file.read_text().replace("down_revision = 'other'", 'down_revision = ("first", "other")')
    )
    assert runner.upgrade().heads == ("merge",)
    assert runner.downgrade("first").heads == ("first", "other")
    assert sorted(map(str, db.versions())) == ["first", "other"]


@pytest.mark.usefixtures("two")
def test_a_revision_of_the_database_without_a_file_is_named(
    runner: Runner, folder: ProjectFolder
) -> None:
    runner.upgrade()
    (folder.path / "migrations" / "versions" / "second.py").unlink()
    with pytest.raises(RevisionError, match='the database is at "second", and no file here'):
        runner.upgrade()


def test_a_missing_downgrade_is_named(folder: ProjectFolder, runner: Runner) -> None:
    file = folder.add("first", CREATE)
    file.write_text(file.read_text().partition("def downgrade")[0])
    runner.upgrade()
    with pytest.raises(RevisionError, match="has no function downgrade"):
        runner.downgrade("base")


@pytest.mark.usefixtures("two")
def test_a_role_that_may_not_write_the_journal_is_told_what_it_needs(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("DROP ROLE IF EXISTS plain")
    db.execute("CREATE ROLE plain")
    db.execute("GRANT ALL ON SCHEMA public TO plain")
    env = (folder.path / "migrations" / "env.py").read_text()
    folder.write_env(
        "from sqlalchemy import text\n"
        + env.replace(
            "    context.configure",
            '    connection.execute(text("SET ROLE plain"))\n'
            "    connection.commit()\n    context.configure",
        )
    )
    with pytest.raises(DatabaseError, match='may not write to the schema "safemigrate"') as caught:
        runner.upgrade()
    assert "CREATE SCHEMA safemigrate" in caught.value.hint
    assert not db.has("t")
    db.execute("CREATE SCHEMA safemigrate AUTHORIZATION plain")
    runner.upgrade()
    assert db.scalar("SELECT DISTINCT database_user FROM safemigrate.history") == db.scalar(
        "SELECT session_user"
    )
    db.execute("DROP OWNED BY plain")
    db.execute("DROP ROLE plain")


def test_a_revision_that_ends_the_process_at_once_fails(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", f"{CREATE}\nimport os; os._exit(0)")
    with pytest.raises(RevisionFailedError, match="SystemExit: 0"):
        runner.upgrade()
    assert db.versions() == []
    assert not db.has("t")


def test_a_process_that_a_revision_forks_ends_as_it_means_to(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "first",
        "import os\n"
        "pid = os.fork()\n"
        "if not pid:\n"
        "    os._exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7\n" + CREATE,
    )
    runner.upgrade()
    assert db.versions() == ["first"]
