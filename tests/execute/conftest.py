"""Small Alembic projects, and sessions that get in their way."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from sqlalchemy.engine import make_url

from safemigrate.execute import (
    Check,
    Clearance,
    Inquiry,
    RunEvent,
    RunReport,
    RunSettings,
    run_downgrade,
    run_upgrade,
)
from safemigrate.source import Project, open_project

_INI = "[alembic]\nscript_location = %(here)s/migrations\n"

ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
engine = engine_from_config(
    config.get_section(config.config_ini_section, {}),
    prefix="sqlalchemy.",
    poolclass=pool.NullPool,
)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

_REVISION = '''"""{message}"""
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down_revision!r}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''


@dataclass
class ProjectFolder:
    """An Alembic project on disk, with revisions in the order they are added."""

    path: Path
    url: str
    newest: str | None = None

    def write_env(self, text: str) -> None:
        (self.path / "migrations" / "env.py").write_text(text)

    def add(
        self, revision: str, upgrade: str, downgrade: str = "pass", *, message: str = ""
    ) -> Path:
        """Write a revision after the newest one; the bodies are one statement a line."""
        file = self.path / "migrations" / "versions" / f"{revision}.py"
        file.write_text(
            _REVISION.format(
                message=message or f"the {revision} revision",
                revision=revision,
                down_revision=self.newest,
                upgrade=_indent(upgrade),
                downgrade=_indent(downgrade),
            )
        )
        self.newest = revision
        return file

    def open(self) -> Project:
        return open_project(self.path / "alembic.ini", url=self.url)

    @property
    def config(self) -> Path:
        return self.path / "alembic.ini"


def _indent(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.strip("\n").splitlines())


@pytest.fixture
def folder(tmp_path: Path, database: str) -> ProjectFolder:
    """An empty project whose env.py is Alembic's usual one."""
    return make_folder(tmp_path, database)


def make_folder(path: Path, url: str) -> ProjectFolder:
    """Write such a project into a folder."""
    (path / "migrations" / "versions").mkdir(parents=True)
    (path / "alembic.ini").write_text(_INI)
    project = ProjectFolder(path, url)
    project.write_env(ENV)
    return project


Event = TypeVar("Event")


class Events:
    """What a run told, and what to do when it tells something."""

    def __init__(self) -> None:
        self.seen: list[RunEvent] = []
        self._reactions: list[tuple[type, Callable[[], object]]] = []

    def __call__(self, event: RunEvent) -> None:
        self.seen.append(event)
        for kind, reaction in self._reactions:
            if isinstance(event, kind):
                reaction()

    def on(self, kind: type, reaction: Callable[[], object]) -> None:
        """Call the reaction whenever there is an event of this kind."""
        self._reactions.append((kind, reaction))

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.seen if isinstance(event, kind)]


@pytest.fixture
def events() -> Events:
    return Events()


def allow(inquiry: Inquiry) -> Clearance:
    """Stand in the place of a gate that lets everything pass."""
    del inquiry
    return Clearance()


# What the command does, without the gate and the words around it.
_DRIVER = """
import os
import sys
from datetime import timedelta
from pathlib import Path
from safemigrate.errors import SafemigrateError
from safemigrate.execute import Clearance, RunSettings, run_upgrade
from safemigrate.source import open_project

# while env.py runs, standard output is standard error
out = os.fdopen(os.dup(1), "w")
settings = RunSettings(lock_timeout=timedelta(milliseconds=100), deadline=timedelta(seconds=60))
try:
    report = run_upgrade(
        open_project(Path(sys.argv[1]), url=sys.argv[2]),
        "heads",
        settings,
        progress=lambda event: print(type(event).__name__, file=out, flush=True),
        check=lambda inquiry: Clearance(),
    )
except SafemigrateError as error:
    print(f"{error.message} | {error.hint}", file=sys.stderr)
    sys.exit(error.exit_code)
print(f"applied {len(report.applied)}")
"""

Process = subprocess.Popen[str]


@pytest.fixture
def start(folder: ProjectFolder) -> Iterator[Callable[[], Process]]:
    """Start an upgrade in a process of its own; it is ended with the test."""
    started: list[Process] = []

    def start() -> Process:
        process = subprocess.Popen(
            (sys.executable, "-c", _DRIVER, str(folder.config), folder.url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@dataclass
class Runner:
    """Runs a project as the commands do, with settings that fit a test and may be changed."""

    folder: ProjectFolder
    events: Events
    settings: RunSettings = field(
        default_factory=lambda: RunSettings(
            lock_timeout=timedelta(milliseconds=100), deadline=timedelta(seconds=30)
        )
    )

    def upgrade(self, target: str = "heads", check: Check = allow) -> RunReport:
        return run_upgrade(
            self.folder.open(), target, self.settings, progress=self.events, check=check
        )

    def downgrade(self, target: str) -> RunReport:
        return run_downgrade(
            self.folder.open(), target, self.settings, progress=self.events, check=allow
        )


@pytest.fixture
def runner(folder: ProjectFolder, events: Events) -> Runner:
    return Runner(folder, events)


Connection = psycopg.Connection[tuple[object, ...]]


class Database:
    """The test's database, looked at from sessions of the test's own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._sessions = ExitStack()
        self._session = self.connect()

    def close(self) -> None:
        self._sessions.close()

    def connect(self, *, autocommit: bool = True) -> Connection:
        """Return a new session; without autocommit, in a transaction from its first statement."""
        url = make_url(self.url)
        host = url.query.get("host", url.host)
        connection: Connection = psycopg.connect(
            dbname=url.database,
            user=url.username,
            password=url.password,
            host=host if isinstance(host, str) else None,
            port=url.port or (int(str(url.query["port"])) if "port" in url.query else None),
            autocommit=autocommit,
            application_name="a test",
        )
        self._sessions.callback(connection.close)
        return connection

    def execute(self, statement: str) -> None:
        self._session.execute(statement.encode())

    def scalar(self, statement: str) -> object:
        """Return the one value that the statement gives."""
        (value,) = self.rows(statement)[0]
        return value

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        return self._session.execute(statement.encode()).fetchall()

    def has(self, relation: str) -> bool:
        return self.scalar(f"SELECT to_regclass('{relation}') IS NOT NULL") is True

    def versions(self) -> list[object]:
        if not self.has("alembic_version"):
            return []
        return [row[0] for row in self.rows("SELECT version_num FROM alembic_version")]

    def history(self) -> list[tuple[object, ...]]:
        """Return revision, direction, outcome and attempts of every entry, in order."""
        return self.rows(
            "SELECT revision, direction, outcome, attempts FROM safemigrate.history ORDER BY id"
        )

    def wait_until(self, condition: str) -> None:
        """Return as soon as the condition, in SQL, holds; fail after 30 s."""
        end = time.monotonic() + 30
        pause = threading.Event()
        while self.scalar(f"SELECT {condition}") is not True:
            assert time.monotonic() < end, f"not within 30 s: {condition}"
            pause.wait(0.01)


@pytest.fixture
def db(database: str) -> Iterator[Database]:
    with closing(Database(database)) as opened:
        yield opened
