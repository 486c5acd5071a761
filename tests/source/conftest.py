"""Small Alembic projects, written for one test each."""

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from safemigrate.model import History, Migration
from safemigrate.source import open_project, record

ENV = """\
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config


def run() -> None:
    connectable = engine_from_config(
        config.get_section(config.config_ini_section, {}),
        prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )
    with connectable.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise RuntimeError("offline")
run()
"""

ASYNC_ENV = """
import asyncio

from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import async_engine_from_config

config = context.config


def run(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = async_engine_from_config(
        config.get_section(config.config_ini_section, {}), prefix="sqlalchemy.",
        poolclass=pool.NullPool,
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(main())
"""

HEAD = '''\
"""{message}"""

import sqlalchemy as sa
from alembic import context, op

revision = {revision!r}
down_revision = {down!r}
depends_on = {depends_on!r}
branch_labels = {labels!r}


'''


class ProjectFolder:
    """An Alembic project in a folder; each method writes a file and gives its path."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.config = root / "alembic.ini"
        self.versions = root / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        self.write_config("postgresql+psycopg://user:secret@db.invalid/app")
        self.write_env(ENV)
        self._last: str | None = None
        # `prepend_sys_path` stays on sys.path, as with Alembic
        monkeypatch.setattr(sys, "path", [*sys.path])
        monkeypatch.chdir(root)

    def write_config(self, url: str | None, extra: str = "") -> None:
        lines = [
            "[alembic]",
            "script_location = %(here)s/migrations",
            "path_separator = os",
            "prepend_sys_path = %(here)s",
        ]
        if url is not None:
            lines.append(f"sqlalchemy.url = {url}")
        self.config.write_text("\n".join(lines) + "\n" + extra)

    def write_env(self, text: str) -> None:
        (self.root / "migrations" / "env.py").write_text(textwrap.dedent(text))

    def write_module(self, name: str, text: str) -> Path:
        path = self.root / name
        path.write_text(textwrap.dedent(text))
        return path

    def add(
        self,
        revision: str,
        body: str,
        *,
        down: str | tuple[str, ...] | None = "",
        downgrade: str | None = "pass",
        head: str = "",
        depends_on: str | None = None,
        labels: str | None = None,
    ) -> Path:
        """Write a revision; it follows the last one unless `down` says otherwise."""
        if down == "":
            down = self._last
        self._last = revision
        text = HEAD.format(
            message=f"Revision {revision}",
            revision=revision,
            down=down,
            depends_on=depends_on,
            labels=labels,
        )
        text += textwrap.dedent(head)
        text += _function("upgrade", body)
        if downgrade is not None:
            text += "\n\n" + _function("downgrade", downgrade)
        path = self.versions / f"{revision}_.py"
        path.write_text(text, encoding="utf-8")
        return path

    def record(self) -> History:
        return record(open_project(self.config))

    def record_one(self, body: str, **parts: str) -> Migration:
        """Record a project of one revision, `one`, with this body of upgrade()."""
        self.add("one", body, **parts)
        (migration,) = self.record().migrations
        return migration


def _function(name: str, body: str) -> str:
    return f"def {name}():\n" + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProjectFolder]:
    before = set(sys.modules)
    yield ProjectFolder(tmp_path, monkeypatch)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def seen(folder: ProjectFolder) -> Callable[[str], list[tuple[str, int | None]]]:
    """Record a body of upgrade(), and give each statement with its transaction."""

    def see(body: str) -> list[tuple[str, int | None]]:
        migration = folder.record_one(body)
        assert migration.unjudged == ()
        return [(one.sql, one.transaction) for one in migration.upgrade]

    return see
