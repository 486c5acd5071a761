"""The timeouts of the migrations' session are read back from the server before anything changes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import DatabaseError
from safemigrate.execute import RunConfigured, RunSettings, WhenBusy

if TYPE_CHECKING:
    from tests.execute.conftest import Database, Events, ProjectFolder, Runner

CREATE = 'op.execute("CREATE TABLE t (id int)")'

# What stands between and does not pass on what a session is told, as some poolers do.
DEAF = """
import psycopg
from alembic import context
from sqlalchemy import create_engine, event


class Deaf(psycopg.Cursor):
    def execute(self, query, params=None, **options):
        if isinstance(query, str) and query.startswith("SET lock_timeout"):
            query = "SELECT 1"
        return super().execute(query, params, **options)


engine = create_engine(context.config.get_main_option("sqlalchemy.url"))


@event.listens_for(engine, "connect")
def make_deaf(connection, record):
    connection.cursor_factory = Deaf


with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""


def test_the_run_tells_what_the_session_goes_by(
    folder: ProjectFolder, runner: Runner, events: Events, db: Database
) -> None:
    folder.add("first", CREATE)
    database = db.scalar("SELECT current_database()")
    db.execute(f'ALTER DATABASE "{database}" SET statement_timeout = 90000')
    runner.settings = RunSettings(
        lock_timeout=timedelta(milliseconds=250),
        deadline=timedelta(seconds=30),
        when_busy=WhenBusy.RAMP,
    )
    runner.upgrade()
    (told,) = events.of(RunConfigured)
    assert told.database == database
    assert told.lock_timeout == timedelta(milliseconds=250)
    assert told.statement_timeout == timedelta(seconds=90)
    assert told.deadline == timedelta(seconds=30)
    assert told.stall_budget == runner.settings.stall_limit
    assert told.when_busy == "ramp"
    has_transaction_timeout = told.server_version.major >= 17
    assert (told.transaction_timeout is not None) is has_transaction_timeout


def test_a_timeout_that_the_server_did_not_get_ends_the_run_before_anything_is_changed(
    folder: ProjectFolder, runner: Runner, db: Database
) -> None:
    folder.write_env(DEAF)
    folder.add("first", CREATE)
    with pytest.raises(DatabaseError, match="lock_timeout was set to 100 ms, and the server says"):
        runner.upgrade()
    assert not db.has("t")
    assert db.versions() == []
    assert db.scalar("SELECT to_regnamespace('safemigrate')") is None
