"""What else happens to a revision that is half done: other tools, and other roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic import command
from alembic.config import Config

from safemigrate.errors import InterruptedRunError, RevisionFailedError
from tests.execute.test_look import Seeing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.execute.conftest import Database, ProjectFolder, Runner

COUNT_UP = 'op.execute("UPDATE t SET n = n + 1")\n'
COUNT_DOWN = 'op.execute("UPDATE t SET n = n - 1")\n'
COMMIT = "op.get_bind().commit()\n"
# It fails until its table is opened.
GATE = 'op.execute("UPDATE gate SET n = 1 / n")\n'
BUILD = """
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY by_n ON t (n)")
"""


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    db.execute("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)")
    db.execute("INSERT INTO t VALUES (1)")
    db.execute("CREATE TABLE gate (n int)")
    db.execute("INSERT INTO gate VALUES (0)")


@pytest.fixture
def alembic(folder: ProjectFolder) -> Config:
    """The project as Alembic itself is given it."""
    found = Config(str(folder.config))
    found.set_main_option("sqlalchemy.url", folder.url.replace("%", "%%"))
    return found


def count(db: Database) -> object:
    return db.scalar("SELECT n FROM t")


def test_what_was_done_of_a_revision_that_was_stamped_counts_no_more(
    folder: ProjectFolder, runner: Runner, db: Database, alembic: Config
) -> None:
    folder.add("one", COUNT_UP + COMMIT + GATE)
    with pytest.raises(InterruptedRunError):
        runner.upgrade()
    command.stamp(alembic, "one")
    folder.add("two", "pass")
    runner.upgrade()
    db.execute("UPDATE gate SET n = 1")
    db.execute("UPDATE t SET n = 0")
    command.downgrade(alembic, "base")
    runner.upgrade()
    assert count(db) == 1
    assert db.versions() == ["two"]


def test_what_was_taken_back_of_a_revision_that_is_gone_counts_no_more(
    folder: ProjectFolder, runner: Runner, db: Database, alembic: Config
) -> None:
    folder.add("one", COUNT_UP, COUNT_DOWN + COMMIT + GATE)
    runner.upgrade()
    with pytest.raises(InterruptedRunError):
        runner.downgrade("base")
    assert count(db) == 0
    command.stamp(alembic, "base")
    path = folder.config.parent / "migrations" / "versions" / "one.py"
    sound = path.read_text()
    path.write_text(sound.replace("UPDATE t SET n = n + 1", "SELECT 1 / 0"))
    with pytest.raises(RevisionFailedError, match="division by zero"):
        runner.upgrade()
    path.write_text(sound)
    command.upgrade(alembic, "one")
    assert count(db) == 1
    db.execute("UPDATE gate SET n = 1")
    runner.downgrade("base")
    assert count(db) == 0


@pytest.fixture
def role(db: Database) -> Iterator[str]:
    """A role that may do everything but read the journal."""
    name = db.scalar("SELECT 'changer_' || oid FROM pg_database WHERE datname = current_database()")
    db.execute(f"CREATE ROLE {name}")
    db.execute(f"GRANT ALL ON SCHEMA public TO {name}")
    db.execute(f"ALTER TABLE t OWNER TO {name}")
    db.execute(f"ALTER TABLE gate OWNER TO {name}")
    yield str(name)
    db.execute(f"DROP OWNED BY {name}")
    db.execute(f"DROP ROLE {name}")


def test_a_doubt_is_settled_in_the_role_that_owns_the_journal(
    folder: ProjectFolder, runner: Runner, db: Database, role: str
) -> None:
    folder.add("zero", "pass")
    runner.upgrade()
    folder.add("one", f'op.execute("SET ROLE {role}")' + BUILD + 'op.execute("RESET ROLE")')
    db.execute(
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN new; END $$"
    )
    db.execute(
        "CREATE TRIGGER cut BEFORE UPDATE ON safemigrate.statement FOR EACH ROW"
        " WHEN (new.state = 'done') EXECUTE FUNCTION cut()"
    )
    with pytest.raises(InterruptedRunError):
        runner.upgrade()
    db.execute("DROP FUNCTION cut CASCADE")
    Seeing(runner).upgrade()
    assert db.versions() == ["one"]
    assert db.scalar("SELECT state FROM safemigrate.statement") == "done"
