"""A role that env.py takes by SET ROLE is the one that reads and writes, in every session."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.engine import make_url

from safemigrate.errors import DatabaseError, RevisionFailedError
from safemigrate.execute import read_history, read_standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from subprocess import Popen

    from tests.execute.conftest import Database, ProjectFolder, Runner

CREATE = 'op.execute("CREATE TABLE t (id int)")'
CONFIGURE = "    context.configure"
SET_ROLE = "    connection.execute(text('SET ROLE \"Owner of all\"'))\n    connection.commit()\n"
PASSWORD = "of a server that lives as long as the tests"  # noqa: S105 - no secret
IS_SLEEPING = (
    "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    " AND state = 'active' AND datname = current_database())"
)


@pytest.fixture
def plain_env(folder: ProjectFolder, db: Database) -> Iterator[str]:
    """Log in as a role that owns nothing and inherits nothing; return the env.py without more."""
    name = db.scalar("SELECT current_database()")
    db.execute('CREATE ROLE "Owner of all"')
    db.execute(f"CREATE ROLE deployer LOGIN NOINHERIT PASSWORD '{PASSWORD}'")
    db.execute('GRANT "Owner of all" TO deployer')
    db.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    db.execute('GRANT ALL ON SCHEMA public TO "Owner of all"')
    db.execute(f'GRANT CREATE ON DATABASE "{name}" TO "Owner of all"')
    url = make_url(folder.url).set(username="deployer", password=PASSWORD)
    folder.url = url.render_as_string(hide_password=False)
    yield (folder.path / "migrations" / "env.py").read_text()
    for role in ("deployer", '"Owner of all"'):
        db.execute(f"DROP OWNED BY {role}")
        db.execute(f"DROP ROLE {role}")


@pytest.fixture
def role(folder: ProjectFolder, plain_env: str) -> None:
    """Let env.py take the role that owns everything."""
    env = plain_env.replace(CONFIGURE, SET_ROLE + CONFIGURE)
    folder.write_env(f"from sqlalchemy import text\n{env}")


@pytest.mark.usefixtures("role")
def test_a_role_taken_by_env_applies_and_reads_everything(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    assert runner.upgrade().heads == ("first",)
    owner = "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename IN ('t', 'alembic_version')"
    assert db.rows(owner) == [("Owner of all",)]
    folder.add("second", 'op.execute("ALTER TABLE t ADD COLUMN c int")')
    standing = read_standing(folder.open())
    assert [one.revision for one in standing.current] == ["first"]
    assert [one.revision for one in standing.pending] == ["second"]
    assert runner.upgrade().heads == ("second",)
    assert [line.entry.revision for line in read_history(folder.open())] == ["first", "second"]


@pytest.mark.usefixtures("role")
def test_a_failure_is_recorded_by_the_role_that_env_took(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", 'op.execute("SELECT 1 / 0")')
    with pytest.raises(RevisionFailedError):
        runner.upgrade()
    assert db.history() == [("first", "upgrade", "failed", 1)]


@pytest.mark.usefixtures("role")
def test_a_statement_of_the_role_that_env_took_can_be_cancelled(
    folder: ProjectFolder, start: Callable[[], Popen[str]], db: Database
) -> None:
    folder.add("first", 'op.execute("SELECT pg_sleep(60)")')
    process = start()
    db.wait_until(IS_SLEEPING)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 3, err
    assert "stopped by SIGTERM" in err


# Every session after the first one begins in a role that may read nothing.
LATER_SESSIONS = """
sessions = []

@event.listens_for(engine, "connect")
def begin(connection, record):
    if sessions:
        connection.execute('SET ROLE "deployer"')
        connection.commit()
    sessions.append(connection)

"""


def test_a_version_table_that_may_not_be_read_is_told_before_anything_is_applied(
    folder: ProjectFolder, runner: Runner, db: Database, database: str, plain_env: str
) -> None:
    db.execute("GRANT USAGE ON SCHEMA public TO deployer")
    db.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    folder.url = database
    folder.add("first", CREATE)
    head, _, tail = plain_env.partition("with engine.connect()")
    folder.write_env(
        f"from sqlalchemy import event\n{head}{LATER_SESSIONS}with engine.connect(){tail}"
    )
    for ask in (runner.upgrade, lambda: read_standing(folder.open())):
        with pytest.raises(DatabaseError, match="permission denied for table") as caught:
            ask()
        assert "SELECT on the version table" in caught.value.hint
    assert not db.has("t")
    assert db.scalar("SELECT to_regnamespace('safemigrate') IS NULL") is True
