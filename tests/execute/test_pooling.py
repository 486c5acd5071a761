"""Behind a pooler: nothing is left on a session that is not the runner's own."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, pool, text
from sqlalchemy.engine import make_url

from safemigrate.errors import DatabaseError, UnreachableError
from safemigrate.execute import read_history, read_standing, run_upgrade
from safemigrate.execute.fleet import in_schema
from tests.execute.conftest import allow
from tests.postgres.pgbouncer import open_pgbouncer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.execute.conftest import Database, Process, ProjectFolder, Runner

CREATE = 'op.execute("CREATE TABLE t (id int)")'
SLEEP = 'op.execute("SELECT pg_sleep(600)")'
LOCKS = "count(*) FROM pg_locks WHERE locktype = 'advisory'"
REASON = "a connection pooler in transaction or statement mode"
SETTINGS = (
    "lock_timeout",
    "statement_timeout",
    "default_transaction_read_only",
    "idle_session_timeout",
    "role",
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
        context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()

asyncio.run(main())
"""
IS_SLEEPING = (
    "EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    " AND state = 'active' AND datname = current_database())"
)


@contextmanager
def behind(
    folder: ProjectFolder, mode: str, driver: str = "psycopg", **options: int
) -> Iterator[str]:
    """Lead the project through a PgBouncer in this mode, and yield the URL."""
    direct = folder.url
    size, is_round_robin = options.get("size", 20), bool(options.get("round_robin"))
    with open_pgbouncer(direct, mode, size=size, is_round_robin=is_round_robin) as url:
        folder.config.write_text(
            f"{folder.config.read_text()}sqlalchemy.url = postgresql+{driver}://nowhere/nothing\n"
        )
        folder.url = url
        yield url
        folder.url = direct


def settings_of_the_pool(url: str, names: Sequence[str] = SETTINGS) -> list[tuple[object, ...]]:
    """Return what a client of the pool meets on the session that it is lent first."""
    engine = create_engine(make_url(url), poolclass=pool.NullPool)
    with engine.connect() as connection:
        return [
            (name, connection.scalar(text(f"SELECT current_setting('{name}', true)")))
            for name in names
        ]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize(
    "options", [{"size": 1}, {"size": 2, "round_robin": 1}, {"round_robin": 1}, {}], ids=str
)
def test_transaction_mode_is_refused_and_nothing_is_left_on_the_server(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str, options: dict[str, int]
) -> None:
    folder.add("first", CREATE)
    with behind(folder, "transaction", driver, **options) as url:
        untouched = settings_of_the_pool(url)
        for ask in (
            runner.upgrade,
            lambda: read_standing(folder.open()),
            lambda: read_history(folder.open()),
        ):
            with pytest.raises(DatabaseError, match=REASON) as caught:
                ask()
            assert "--url" in caught.value.hint
        assert settings_of_the_pool(url) == untouched
        assert db.scalar(f"SELECT {LOCKS}") == 0
    assert not db.has("alembic_version")
    assert runner.upgrade().heads == ("first",)


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_tenant_leaves_nothing_on_the_sessions_of_the_application(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str
) -> None:
    db.execute("CREATE SCHEMA tenant")
    folder.add("first", CREATE)
    if driver == "asyncpg":
        folder.write_env(ASYNC_ENV)
    names = ("search_path", "safemigrate.place")
    with behind(folder, "transaction", driver, size=1) as url:
        untouched = settings_of_the_pool(url, names)
        project = folder.open()
        with in_schema(project, "tenant"), pytest.raises(DatabaseError, match=REASON):
            run_upgrade(project, "heads", runner.settings, progress=runner.events, check=allow)
        assert settings_of_the_pool(url, names) == untouched


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_a_tenant_behind_a_pooler_in_session_mode_is_migrated(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str
) -> None:
    db.execute("CREATE SCHEMA tenant")
    folder.add("first", CREATE)
    if driver == "asyncpg":
        folder.write_env(ASYNC_ENV)
    with behind(folder, "session", driver):
        project = folder.open()
        with in_schema(project, "tenant"):
            run_upgrade(project, "heads", runner.settings, progress=runner.events, check=allow)
    assert db.has("tenant.t")
    assert db.scalar("SELECT place FROM safemigrate.history") == "tenant"


@pytest.mark.parametrize("options", [{"size": 1}, {"size": 2, "round_robin": 1}], ids=str)
def test_transaction_mode_is_refused_for_an_asynchronous_driver(
    folder: ProjectFolder, runner: Runner, db: Database, options: dict[str, int]
) -> None:
    folder.add("first", CREATE)
    folder.write_env(ASYNC_ENV)
    with (
        behind(folder, "transaction", "asyncpg", **options),
        pytest.raises(DatabaseError, match=REASON),
    ):
        runner.upgrade()
    assert db.scalar(f"SELECT {LOCKS}") == 0


def test_transaction_mode_is_refused_while_the_pool_is_busy(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    with behind(folder, "transaction", size=4) as url:
        engine = create_engine(url, poolclass=pool.NullPool)
        with engine.connect() as one, engine.connect() as other:
            for connection in (one, other):
                connection.execute(text("SELECT 1"))
            with pytest.raises(DatabaseError, match=REASON):
                runner.upgrade()
    assert db.scalar(f"SELECT {LOCKS}") == 0


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_statement_mode_is_refused(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str
) -> None:
    folder.add("first", CREATE)
    if driver == "asyncpg":
        folder.write_env(ASYNC_ENV)
    with behind(folder, "statement", driver), pytest.raises(DatabaseError, match=REASON):
        runner.upgrade()
    assert db.scalar(f"SELECT {LOCKS}") == 0


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2", "asyncpg"])
def test_session_mode_works_and_gives_the_lock_back(
    folder: ProjectFolder, runner: Runner, db: Database, driver: str
) -> None:
    folder.add("first", CREATE)
    folder.add(
        "second",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE INDEX CONCURRENTLY i ON t (id)")',
    )
    if driver == "asyncpg":
        folder.write_env(ASYNC_ENV)
    with behind(folder, "session", driver) as url:
        untouched = settings_of_the_pool(url)
        assert runner.upgrade().heads == ("second",)
        db.wait_until(f"(SELECT {LOCKS}) = 0")
        assert settings_of_the_pool(url) == untouched


def test_a_session_pool_with_no_more_room_than_the_runner_needs_is_enough(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.add("first", CREATE)
    with behind(folder, "session", size=2):
        assert runner.upgrade().heads == ("first",)
    assert db.has("t")


def test_a_pooler_that_knows_no_such_database_is_not_taken_for_its_mode(
    folder: ProjectFolder, runner: Runner
) -> None:
    folder.add("first", CREATE)
    folder.write_env(ASYNC_ENV)
    with behind(folder, "session", "asyncpg") as url:
        folder.url = make_url(url).set(database="nothing").render_as_string(hide_password=False)
        with pytest.raises(UnreachableError, match="nothing"):
            runner.upgrade()


def test_a_runner_that_is_killed_behind_a_pooler_leaves_no_lock(
    folder: ProjectFolder, runner: Runner, start: Callable[[], Process], db: Database
) -> None:
    first = folder.add("first", f"{CREATE}\n{SLEEP}")
    with behind(folder, "session"):
        process = start()
        db.wait_until(IS_SLEEPING)
        assert db.scalar(f"SELECT {LOCKS}") == 1
        process.send_signal(signal.SIGKILL)
        process.communicate()
        db.wait_until(f"(SELECT {LOCKS}) = 0")
        first.write_text(first.read_text().replace(SLEEP, "pass"))
        assert runner.upgrade().heads == ("first",)
