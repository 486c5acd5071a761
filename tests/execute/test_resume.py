"""A revision that was cut off goes on where it stopped, and does nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import InterruptedRunError, UsageError
from safemigrate.execute import RevisionRetried, RunWarned, read_standing
from safemigrate.execute.resolving import Verdict, resolve_revision
from safemigrate.journal import LAYOUT, Decision
from tests.execute.building import ASYNC_ENV

if TYPE_CHECKING:
    from tests.execute.conftest import Database, Events, ProjectFolder, Runner

# It fails until its table is opened.
GATE = 'op.execute("UPDATE gate SET n = 1 / n")'
BLOCK = "with op.get_context().autocommit_block():\n"
COUNT_UP = 'op.execute("UPDATE t SET n = n + 1")\n'
COMMIT = "op.get_bind().commit()\n"
BUILD = """
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY by_n ON t (n)")
    op.execute("UPDATE t SET n = n + 10")
"""
BULK = 'op.bulk_insert(t, [{"id": 4, "n": 0}, {"id": 5, "n": 0}])'
LOOP = """
bind = op.get_bind()
update = sa.text("UPDATE t SET n = 7 WHERE id = (SELECT min(id) FROM t WHERE n = 0)")
while bind.execute(update).rowcount:
    bind.commit()
bind.commit()
"""
READ_RETURNED = """
found = op.get_bind().execute(sa.text("UPDATE t SET n = n + 1 RETURNING id"))
found.all()
"""


def lines(*parts: str) -> str:
    return "\n".join(parts)


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    db.execute("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)")
    db.execute("INSERT INTO t SELECT generate_series(1, 3)")
    db.execute("CREATE TABLE gate (n int)")
    db.execute("INSERT INTO gate VALUES (0)")


def use_driver(folder: ProjectFolder, name: str) -> None:
    line = f"sqlalchemy.url = postgresql+{name}://x@nowhere/nothing"
    folder.config.write_text(f"{folder.config.read_text()}{line}\n")
    if name == "asyncpg":
        folder.write_env(ASYNC_ENV)


def cut_off(runner: Runner) -> InterruptedRunError:
    """Run until the gate."""
    with pytest.raises(InterruptedRunError) as caught:
        runner.upgrade()
    return caught.value


def open_gate(db: Database) -> None:
    db.execute("UPDATE gate SET n = 1")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_what_is_committed_is_not_done_again(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events, driver: str
) -> None:
    use_driver(folder, driver)
    folder.add(
        "one",
        lines(COUNT_UP, BUILD, 't = sa.table("t", sa.column("id"), sa.column("n"))', BULK, GATE),
    )
    assert "run it again: it goes on after statement 3" in cut_off(runner).hint
    assert cut_off(runner).hint.count("after statement 3") == 1
    open_gate(db)
    runner.upgrade()
    assert db.scalar("SELECT array_agg(n ORDER BY id) FROM t") == [11, 11, 11, 0, 0]
    assert db.versions() == ["one"]
    assert "goes on after statement 3: UPDATE t" in events.of(RunWarned)[-1].text
    rows = db.rows("SELECT ordinal, segment, state FROM safemigrate.statement ORDER BY ordinal")
    assert rows == [(1, 1, "done"), (2, 2, "done"), (3, 3, "done"), (4, 4, "done"), (5, 4, "done")]
    assert read_standing(folder.open()).partial == ()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_the_count_of_rows_is_answered_as_it_was(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str
) -> None:
    use_driver(folder, driver)
    folder.add(
        "one",
        lines(LOOP, GATE),
    )
    cut_off(runner)
    db.execute("INSERT INTO t VALUES (9, 0)")
    open_gate(db)
    runner.upgrade()
    # the loop ended where it had ended
    assert db.rows("SELECT id FROM t WHERE n = 0") == [(9,)]


def test_a_changed_beginning_stops_with_both_texts(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    path = folder.add("one", COUNT_UP + COMMIT + GATE)
    cut_off(runner)
    path.write_text(path.read_text().replace("n + 1", "n + 2"))
    error = cut_off(runner)
    assert "statement 1 of 1 that are done was UPDATE t SET n = n + 1" in error.message
    assert "now it sends UPDATE t SET n = n + 2" in error.message
    assert "safemigrate resolve one --forget" in error.hint
    open_gate(db)
    assert cut_off(runner).message == error.message
    resolve_revision(folder.open(), Verdict("one", None, Decision.FORGET, "tried by hand"))
    runner.upgrade()
    assert db.scalar("SELECT max(n) FROM t") == 3
    reason = "SELECT decision, reason, os_user <> '' FROM safemigrate.resolution"
    assert db.rows(reason) == [("forget", "tried by hand", True)]


def test_white_space_and_comments_may_change(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    path = folder.add("one", COUNT_UP + COMMIT + GATE)
    cut_off(runner)
    path.write_text(path.read_text().replace("n + 1", "n  +  1 -- as before"))
    open_gate(db)
    runner.upgrade()
    assert db.scalar("SELECT max(n) FROM t") == 1


def test_what_comes_after_the_cut_may_change(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    path = folder.add("one", COUNT_UP + COMMIT + GATE)
    cut_off(runner)
    path.write_text(path.read_text().replace("UPDATE gate SET n = 1 / n", "DELETE FROM gate"))
    runner.upgrade()
    assert db.scalar("SELECT max(n) FROM t") == 1
    assert db.scalar("SELECT count(*) FROM gate") == 0


def test_rows_that_are_not_kept_stop_the_one_who_reads_them(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "one",
        lines(READ_RETURNED, COMMIT, GATE),
    )
    cut_off(runner)
    open_gate(db)
    assert "needs the rows" in cut_off(runner).message
    assert db.scalar("SELECT max(n) FROM t") == 1


def test_a_key_that_nobody_reads_need_not_be_kept(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("CREATE TABLE s (id serial PRIMARY KEY, n int)")
    insert = (
        's = sa.Table("s", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True),'
        ' sa.Column("n", sa.Integer))\n'
        "found = op.get_bind().execute(s.insert().values(n=1))\n"
    )
    path = folder.add("one", insert + COMMIT + GATE)
    cut_off(runner)
    path.write_text(
        path.read_text().replace(GATE, f"print(found.inserted_primary_key)\n    {GATE}")
    )
    assert "needs the rows" in cut_off(runner).message
    path.write_text(path.read_text().replace("print(found.inserted_primary_key)", "pass"))
    open_gate(db)
    runner.upgrade()
    assert db.scalar("SELECT count(*) FROM s") == 1


def test_a_revision_that_looks_before_it_acts_goes_on(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "one",
        "if not sa.inspect(op.get_bind()).has_table('u'):\n"
        '    op.execute("CREATE TABLE u (id int)")\n' + COMMIT + COUNT_UP + GATE,
    )
    cut_off(runner)
    open_gate(db)
    runner.upgrade()
    assert db.scalar("SELECT max(n) FROM t") == 1


def test_a_revision_that_reads_does_not_skip_other_work(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add(
        "one",
        "bind = op.get_bind()\n"
        "for (one,) in bind.execute(sa.text('SELECT id FROM t WHERE n = 0 ORDER BY id')).all():\n"
        "    update = sa.text('UPDATE t SET n = 1 / (3 - :one) WHERE id = :one')\n"
        "    bind.execute(update, {'one': one})\n"
        "    bind.commit()\n",
    )
    cut_off(runner)
    db.execute("UPDATE t SET n = 5 WHERE id = 1")
    assert "is half done, and is not the same any more" in cut_off(runner).message
    assert db.rows("SELECT id, n FROM t ORDER BY id") == [(1, 5), (2, 1), (3, 0)]


def test_an_earlier_run_of_the_revision_is_no_progress_of_the_next(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("zero", "pass")
    folder.add("one", COUNT_UP + COMMIT + COUNT_UP, COUNT_UP + COMMIT + COUNT_UP)
    for _ in range(2):
        runner.upgrade()
        runner.downgrade("zero")
    assert db.scalar("SELECT max(n) FROM t") == 8
    assert db.scalar("SELECT count(*) FROM safemigrate.statement") == 8


def test_a_statement_in_doubt_waits_for_a_decision(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute(
        "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET n = n + 1; COMMIT;"
        " UPDATE gate SET n = 1 / n; END $$"
    )
    folder.add("one", BLOCK + '    op.execute("CALL p()")')
    cut_off(runner)
    error = cut_off(runner)
    assert "statement 1" in error.message
    assert "safemigrate resolve one --statement 1 --done" in error.hint
    (partial,) = read_standing(folder.open()).partial
    assert [one.ordinal for one in partial.in_doubt] == [1]
    with pytest.raises(UsageError, match="not in doubt"):
        resolve_revision(folder.open(), Verdict("one", 2, Decision.DONE, "seen"))
    resolve_revision(folder.open(), Verdict("one", 1, Decision.DONE, "seen"))
    runner.upgrade()
    assert db.scalar("SELECT max(n) FROM t") == 1
    with pytest.raises(UsageError, match="nothing of revision"):
        resolve_revision(folder.open(), Verdict("one", None, Decision.FORGET, "seen"))


def test_a_lock_timeout_after_a_commit_is_tried_again(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("one", COUNT_UP + COMMIT + 'op.execute("LOCK TABLE gate")\n' + COUNT_UP)
    holder = db.connect(autocommit=False)
    holder.execute("LOCK TABLE gate")
    runner.events.on(RevisionRetried, holder.rollback)
    runner.upgrade()
    assert db.scalar("SELECT max(n) FROM t") == 2
    assert runner.events.of(RevisionRetried)


def test_the_journal_is_written_whatever_role_a_revision_takes(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("DROP ROLE IF EXISTS resume_guest")
    db.execute("CREATE ROLE resume_guest")
    try:
        db.execute("GRANT UPDATE, SELECT ON t TO resume_guest")
        folder.add(
            "one",
            'op.execute("SET ROLE resume_guest")\n'
            + COUNT_UP
            + COMMIT
            + COUNT_UP
            # the version table is not the guest's
            + 'op.execute("RESET ROLE")',
        )
        runner.upgrade()
        assert db.rows("SELECT sql FROM safemigrate.statement ORDER BY ordinal") == [
            ("UPDATE t SET n = n + 1",),
            ("UPDATE t SET n = n + 1",),
        ]
        assert db.scalar("SELECT max(n) FROM t") == 2
    finally:
        db.execute("REVOKE ALL ON t FROM resume_guest")
        db.execute("DROP ROLE resume_guest")


def test_a_doubt_is_settled_whatever_role_a_revision_takes(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("DROP ROLE IF EXISTS resume_guest")
    db.execute("CREATE ROLE resume_guest")
    try:
        db.execute("GRANT resume_guest TO CURRENT_USER")
        db.execute("ALTER TABLE t OWNER TO resume_guest")
        db.execute("GRANT ALL ON SCHEMA public TO resume_guest")
        folder.add(
            "one",
            'op.execute("SET ROLE resume_guest")\n'
            + BLOCK
            + '    op.execute("VACUUM t")\n'
            + 'op.execute("RESET ROLE")\n'
            + GATE,
        )
        cut_off(runner)
        # as a run leaves it that is killed behind the statement
        db.execute("UPDATE safemigrate.statement SET state = 'begun', pid = 1")
        open_gate(db)
        runner.upgrade()
        assert db.rows("SELECT state FROM safemigrate.statement WHERE sql = 'VACUUM t'") == [
            ("resolved",),
            ("done",),
        ]
    finally:
        db.execute("DROP TABLE t")
        db.execute("DROP OWNED BY resume_guest")
        db.execute("DROP ROLE resume_guest")


def test_a_decision_is_written_where_an_older_version_made_the_journal(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    """The first layout of the journal knew no statements, and no decisions."""
    folder.add("one", COUNT_UP + COMMIT + GATE)
    cut_off(runner)
    db.execute("DROP TABLE safemigrate.statement, safemigrate.resolution, safemigrate.lease")
    db.execute("DELETE FROM safemigrate.layout WHERE version > 1")
    resolve_revision(folder.open(), Verdict("one", None, Decision.FORGET, "taken back by hand"))
    assert read_standing(folder.open()).partial == ()
    assert db.rows("SELECT decision FROM safemigrate.resolution") == [("forget",)]
    assert db.scalar("SELECT max(version) FROM safemigrate.layout") == LAYOUT


def test_what_others_finished_is_no_progress_of_a_later_run(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("one", COUNT_UP + COMMIT + GATE)
    cut_off(runner)
    # as `alembic stamp` does
    db.execute("INSERT INTO alembic_version VALUES ('one')")
    folder.add("two", "pass")
    runner.upgrade()
    # as `alembic downgrade`
    db.execute("DELETE FROM alembic_version")
    db.execute("UPDATE t SET n = 0")
    open_gate(db)
    runner.upgrade()
    assert db.scalar("SELECT max(n) FROM t") == 1


def test_what_others_took_back_is_no_progress_of_a_later_run(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("one", "pass", COUNT_UP + COMMIT + GATE)
    runner.upgrade()
    with pytest.raises(InterruptedRunError):
        runner.downgrade("base")
    # as `alembic downgrade` does
    db.execute("DELETE FROM alembic_version")
    db.execute("UPDATE t SET n = 0")
    folder.newest = None
    folder.add("other", "pass")
    runner.upgrade("other")
    db.execute("INSERT INTO alembic_version VALUES ('one')")
    open_gate(db)
    runner.downgrade("one@base")
    assert db.scalar("SELECT max(n) FROM t") == 1
