"""Runs of projects with index builds, and what tests say of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from safemigrate.catalog import read_server
from safemigrate.execute import BuildProgressed, Clearance, Inquiry, RunReport
from safemigrate.plan import walk_pending
from safemigrate.source import record

if TYPE_CHECKING:
    from tests.execute.conftest import Connection, Database, Events, ProjectFolder, Runner

BLOCK = "with op.get_context().autocommit_block():\n    "


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

DRIVERS = ("psycopg", "psycopg2", "asyncpg")


@dataclass
class Building:
    """Runs a project with all that is foreseen of it, as the commands do."""

    runner: Runner

    @property
    def folder(self) -> ProjectFolder:
        return self.runner.folder

    def use_driver(self, name: str) -> None:
        """Let the project use this driver."""
        config = self.folder.config
        line = f"sqlalchemy.url = postgresql+{name}://x@nowhere/nothing"
        config.write_text(f"{config.read_text()}{line}\n")
        if name == "asyncpg":
            self.folder.write_env(ASYNC_ENV)

    def outside(self, revision: str, *statements: str) -> None:
        """Add a revision that sends the statements outside of a transaction."""
        lines = "\n    ".join(f"op.execute({statement!r})" for statement in statements)
        self.folder.add(revision, BLOCK + lines)

    def within(self, revision: str, *statements: str) -> None:
        """Add a revision that sends the statements in its transaction."""
        self.folder.add(revision, "\n".join(f"op.execute({one!r})" for one in statements))

    def upgrade(self, *, deadline: float | None = None) -> RunReport:
        if deadline is not None:
            settings = replace(self.runner.settings, deadline=timedelta(seconds=deadline))
            self.runner.settings = settings
        return self.runner.upgrade(check=self.clear)

    def clear(self, inquiry: Inquiry) -> Clearance:
        history = record(self.folder.open(), version=inquiry.server_version)
        catalog = inquiry.reading(read_server).catalog("the database")
        return Clearance(
            passages=walk_pending(
                history,
                inquiry.pending,
                inquiry.direction,
                before=catalog,
                version=inquiry.server_version,
            )
        )


def indexes_of(db: Database, table: str) -> list[tuple[object, ...]]:
    """Return name and validity of the table's indexes, by name."""
    return db.rows(
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index"  # noqa: S608 - a name of the test
        f" WHERE indrelid = '{table}'::regclass ORDER BY 1"
    )


def leave_invalid(db: Database, statement: str) -> None:
    """Build an index that ends INVALID, for `d` is the same in all rows."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute(statement)


def wait_until_old(db: Database, connection: Connection) -> None:
    """Return when the session's transaction is old enough to be worth a word."""
    pid = connection.info.backend_pid
    db.wait_until(
        "EXISTS (SELECT FROM pg_stat_activity WHERE clock_timestamp() - xact_start > '150 ms'"
        f" AND pid = {pid})"
    )


def let_go_when_waited_for(events: Events, connection: Connection) -> None:
    """End the session's transaction as soon as a build waits for somebody."""

    def look() -> None:
        if any(event.wait is not None for event in events.of(BuildProgressed)):
            connection.rollback()

    events.on(BuildProgressed, look)
