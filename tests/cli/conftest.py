"""A project to run commands in."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from safemigrate.cli.group import group
from tests.cli.streams import Process, Start

ALEMBIC_INI = """\
[alembic]
script_location = %(here)s/migrations
sqlalchemy.url = postgresql+psycopg://nobody@localhost:1/nothing
"""

ENV_PY = """\
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

Run = Callable[..., Result]
Git = Callable[..., None]


@dataclass(frozen=True, slots=True)
class ProjectFolder:
    """An Alembic project in a folder of its own, which is the current directory."""

    path: Path

    def write(self, name: str, text: str) -> Path:
        """Write a file, the margin of its text taken off."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def read(self, name: str) -> str:
        """Return what is in a file."""
        return (self.path / name).read_text(encoding="utf-8")

    def revise(
        self, revision: str, upgrade: str, downgrade: str = "pass", after: str | None = None
    ) -> str:
        """Write a revision and return its path, relative to the project."""
        head = f"from alembic import op\nimport sqlalchemy as sa\n\nrevision = {revision!r}\n"
        body = "".join(
            f"\n\ndef {name}():\n{textwrap.indent(textwrap.dedent(code).strip(), '    ')}\n"
            for name, code in (("upgrade", upgrade), ("downgrade", downgrade))
        )
        name = f"migrations/versions/{revision}.py"
        self.write(name, f"{head}down_revision = {after!r}\n{body}")
        return name


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    """An Alembic project without revisions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SAFEMIGRATE_URL", raising=False)
    monkeypatch.delenv("ALEMBIC_CONFIG", raising=False)
    folder = ProjectFolder(tmp_path)
    folder.write("alembic.ini", ALEMBIC_INI)
    folder.write("migrations/env.py", ENV_PY)
    (tmp_path / "migrations" / "versions").mkdir()
    return folder


@pytest.fixture
def git() -> Git:
    """Run git in the current directory."""
    settings = ("user.name=a", "user.email=a@example.org", "commit.gpgsign=false")
    options = [part for setting in settings for part in ("-c", setting)]

    def git(*arguments: str) -> None:
        subprocess.run(("git", *options, *arguments), check=True, capture_output=True)

    return git


@pytest.fixture
def run() -> Run:
    """Run safemigrate with the arguments, in this process."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(group, arguments, prog_name="safemigrate")

    return run


@pytest.fixture
def start(folder: ProjectFolder, database: str) -> Iterator[Start]:
    """Start an upgrade that writes JSON; it is ended with the test."""
    started: list[Process] = []

    def start(*options: str) -> Process:
        command = (sys.executable, "-m", "safemigrate", "upgrade", "--format", "json", *options)
        process = subprocess.Popen(
            (*command, "--url", database),
            cwd=folder.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "SAFEMIGRATE_TRACEBACK": "1"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
