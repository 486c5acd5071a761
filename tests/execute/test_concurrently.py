"""CONCURRENTLY takes the time it needs, and a failed one is told by what it left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import InterruptedRunError, RevisionFailedError
from safemigrate.execute import read_standing

if TYPE_CHECKING:
    from tests.execute.conftest import Database, ProjectFolder, Runner

BLOCK = "with op.get_context().autocommit_block():\n    "
SLOW = "CREATE INDEX CONCURRENTLY i ON t (slow(id))"
NOTE = "INSERT INTO seen SELECT current_setting('statement_timeout')"


@pytest.fixture(params=["psycopg", "psycopg2", "asyncpg"])
def driver(request: pytest.FixtureRequest, folder: ProjectFolder) -> str:
    """Let the project use this driver."""
    name = str(request.param)
    ini = folder.config.read_text()
    folder.config.write_text(f"{ini}sqlalchemy.url = postgresql+{name}://x@nowhere/nothing\n")
    if name == "asyncpg":
        folder.write_env(ASYNC_ENV)
    return name


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
    url = context.config.get_main_option("sqlalchemy.url")
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()

asyncio.run(main())
"""


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (nowhere)", "42703"),
        ("CREATE INDEX CONCURRENTLY i ON nowhere (id)", "42P01"),
        ("CREATE INDEX CONCURRENTLY t ON t (id)", "42P07"),
        ("DROP INDEX CONCURRENTLY nowhere", "42704"),
    ],
)
def test_a_refused_statement_has_committed_nothing(
    folder: ProjectFolder, runner: Runner, db: Database, statement: str, sqlstate: str
) -> None:
    db.execute("CREATE TABLE t (id int)")
    folder.add("first", f'{BLOCK}op.execute("{statement}")')
    with pytest.raises(RevisionFailedError, match=sqlstate) as caught:
        runner.upgrade()
    assert "nothing was changed" in caught.value.hint
    assert read_standing(folder.open()).partial == ()


@pytest.mark.usefixtures("driver")
def test_a_name_missing_in_the_middle_of_the_work_leaves_something_behind(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("CREATE TABLE t (id int)")
    db.execute("INSERT INTO t VALUES (1)")
    db.execute(
        "CREATE FUNCTION look(int) RETURNS int IMMUTABLE LANGUAGE plpgsql"
        " AS 'BEGIN RETURN (SELECT count(*) FROM nowhere); END'"
    )
    statement = "CREATE INDEX CONCURRENTLY i ON t (look(id))"
    folder.add("first", f'{BLOCK}op.execute("{statement}")')
    with pytest.raises(InterruptedRunError, match="42P01") as caught:
        runner.upgrade()
    assert f"committed already: {statement}" in caught.value.hint
    assert db.scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") is False


@pytest.mark.usefixtures("driver")
def test_values_that_cannot_be_compared_leave_something_behind(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    db.execute("CREATE TABLE t (c json[])")
    db.execute("INSERT INTO t VALUES (ARRAY['1'::json]), (ARRAY['2'::json])")
    folder.add("first", f'{BLOCK}op.execute("CREATE INDEX CONCURRENTLY i ON t (c)")')
    with pytest.raises(InterruptedRunError, match="42883"):
        runner.upgrade()
    assert db.scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") is False


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize("is_refused", [False, True])
def test_a_statement_timeout_does_not_end_it_and_is_put_back(
    folder: ProjectFolder, runner: Runner, db: Database, *, is_refused: bool
) -> None:
    db.execute("CREATE TABLE t (id int)")
    db.execute("CREATE TABLE seen (timeout text)")
    db.execute("INSERT INTO t VALUES (1)")
    db.execute(
        "CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN"
        " IF current_setting('statement_timeout') <> '0' THEN RAISE 'it has one'; END IF;"
        " RETURN $1; END $$"
    )
    statement = f'op.execute("{SLOW}")'
    if is_refused:
        statement = (
            "try:\n"
            '        op.execute("DROP INDEX CONCURRENTLY nowhere")\n'
            "    except sa.exc.DBAPIError:\n"
            "        pass"
        )
    folder.add(
        "first",
        f"op.execute(\"SET statement_timeout = '90s'\")\n{BLOCK}{statement}\n"
        f'    op.execute("{NOTE}")\nop.execute("{NOTE}")',
    )
    assert runner.upgrade().heads == ("first",)
    assert db.rows("SELECT timeout FROM seen") == [("90s",), ("90s",)]
