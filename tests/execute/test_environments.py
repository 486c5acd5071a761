"""The user's env.py runs as it is, whatever it does, or is refused with the reason."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import EnvironmentSetupError, LockTimeoutError
from safemigrate.execute import RevisionRetried, read_standing

if TYPE_CHECKING:
    from tests.execute.conftest import Database, Events, ProjectFolder, Runner

CREATE = 'op.execute("CREATE TABLE t (id int)")'
ADD = 'op.execute("ALTER TABLE t ADD COLUMN c int")'
SEEN = "op.execute(\"CREATE TABLE seen AS SELECT current_setting('application_name') AS name\")"
INDEX = (
    "with op.get_context().autocommit_block():\n"
    '    op.execute("CREATE INDEX CONCURRENTLY i ON t (id)")'
)

ASYNC_ENV = """
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

def run(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine(
        context.config.get_main_option("sqlalchemy.url"), poolclass=pool.{pool}
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()

asyncio.run(main())
"""


def edit(folder: ProjectFolder, old: str, new: str) -> None:
    path = folder.path / "migrations" / "env.py"
    text = path.read_text()
    assert old in text
    path.write_text("from sqlalchemy import text\n" + text.replace(old, new))


def test_a_connection_already_in_a_transaction_is_refused(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    edit(
        folder,
        "    context.configure",
        "    connection.execute(text(\"SET lock_timeout = '1s'\"))\n    context.configure",
    )
    with pytest.raises(EnvironmentSetupError, match="already in a transaction"):
        runner.upgrade()
    assert not db.has("alembic_version")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_the_session_of_the_migrations_says_who_it_is(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str
) -> None:
    config = folder.config
    line = f"sqlalchemy.url = postgresql+{driver}://x@nowhere/nothing"
    config.write_text(f"{config.read_text()}{line}\n")
    folder.add("first", SEEN)
    runner.upgrade()
    name = f"safemigrate: migrations of {socket.gethostname()} {os.getpid()}"
    assert db.scalar("SELECT name FROM seen") == name[:63]


def test_the_name_that_a_project_gives_its_session_stays(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    role = db.scalar("SELECT current_user")
    database = db.scalar("SELECT current_database()")
    db.execute(f"ALTER ROLE {role} IN DATABASE \"{database}\" SET application_name = 'shop'")
    folder.add("first", SEEN)
    runner.upgrade()
    assert db.scalar("SELECT name FROM seen") == "shop"


def test_a_connection_that_commits_by_itself_is_refused(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    edit(
        folder,
        "    context.configure",
        '    connection = connection.execution_options(isolation_level="AUTOCOMMIT")\n'
        "    context.configure",
    )
    with pytest.raises(EnvironmentSetupError, match="commits every statement by itself"):
        runner.upgrade()
    assert not db.has("alembic_version")


def test_an_env_that_runs_the_migrations_twice_is_refused(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    edit(folder, "        context.run_migrations()", "        context.run_migrations()\n" * 2)
    with pytest.raises(EnvironmentSetupError, match="more than once"):
        runner.upgrade()
    assert not db.has("t")


def test_what_env_sends_after_configuring_stays(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("CREATE SCHEMA tenant")
    folder.add("first", CREATE)
    folder.add("second", ADD)
    edit(
        folder,
        "        context.run_migrations()",
        '        context.execute("SET search_path TO tenant")\n        context.run_migrations()',
    )
    assert runner.upgrade().heads == ("second",)
    assert db.has("tenant.t")
    assert db.has("tenant.alembic_version")
    assert read_standing(folder.open()).pending == ()


def test_a_version_table_elsewhere_is_read_there(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute('CREATE SCHEMA "My Schema"')
    folder.add("first", CREATE)
    edit(
        folder,
        "connection=connection",
        'connection=connection, version_table="Versions", version_table_schema="My Schema"',
    )
    assert runner.upgrade().heads == ("first",)
    assert db.scalar('SELECT version_num FROM "My Schema"."Versions"') == "first"
    assert runner.upgrade().applied == ()


def test_arguments_of_env_reach_the_revision(folder: ProjectFolder, runner: Runner) -> None:
    file = folder.add("first", 'assert engine_name == "main"')
    file.write_text(file.read_text().replace("def upgrade()", "def upgrade(engine_name)"))
    edit(folder, "run_migrations()", 'run_migrations(engine_name="main")')
    assert runner.upgrade().heads == ("first",)


def test_callbacks_of_env_are_called(folder: ProjectFolder, runner: Runner, db: Database) -> None:
    db.execute("CREATE TABLE log (revision text)")
    folder.add("first", CREATE)
    edit(
        folder,
        "    context.configure(connection=connection)",
        "    def log(ctx, step, **details):\n"
        '        ctx.connection.execute(text("INSERT INTO log VALUES (:r)"),'
        ' {"r": step.up_revision_id})\n'
        "    context.configure(connection=connection, on_version_apply=log)",
    )
    runner.upgrade()
    assert db.rows("SELECT * FROM log") == [("first",)]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_every_driver_applies_retries_and_builds_concurrently(
    folder: ProjectFolder, runner: Runner, db: Database, events: Events, driver: str
) -> None:
    use_driver(folder, driver)
    folder.add("first", CREATE)
    folder.add("second", ADD)
    folder.add("third", INDEX)
    runner.upgrade("first")
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    events.on(RevisionRetried, blocker.rollback)
    runner.upgrade()
    assert db.scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") is True
    assert [row[3] for row in db.history()] == [1, 2, 1]
    assert read_standing(folder.open()).pending == ()


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
def test_every_driver_names_the_blocker(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str
) -> None:
    use_driver(folder, driver)
    db.execute("CREATE TABLE t (id int)")
    folder.add("first", f"op.execute(\"SET LOCAL lock_timeout = '1s'\")\n{ADD}")
    blocker = db.connect(autocommit=False)
    blocker.execute("SELECT FROM t")
    runner.settings = replace(runner.settings, lock_attempts=1)
    with pytest.raises(LockTimeoutError, match='ACCESS EXCLUSIVE on "t"') as caught:
        runner.upgrade()
    assert f"pid {blocker.info.backend_pid}" in caught.value.hint


def use_driver(folder: ProjectFolder, driver: str) -> None:
    ini = folder.config.read_text()
    folder.config.write_text(f"{ini}sqlalchemy.url = postgresql+{driver}://x@nowhere/nothing\n")
    if driver == "asyncpg":
        folder.write_env(ASYNC_ENV.replace("{pool}", "NullPool"))


def test_an_asynchronous_env_with_a_pool_works(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.write_env(ASYNC_ENV.replace("{pool}", "AsyncAdaptedQueuePool"))
    folder.add("first", CREATE)
    folder.add("second", INDEX)
    assert runner.upgrade().heads == ("second",)
    assert runner.downgrade("base").heads == ()
    assert db.versions() == []
