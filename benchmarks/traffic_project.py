"""An Alembic project to run, with stock Alembic and with safemigrate, each as one would type it."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ADD_COLUMN", "BUILD_INDEX", "Done", "Project"]

_INI = """\
[alembic]
script_location = %(here)s
"""

_ENV = """\
import os

from alembic import context
from sqlalchemy import NullPool, create_engine

engine = create_engine(os.environ["DATABASE_URL"], poolclass=NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""

_REVISION = '''\
"""change accounts"""

import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision = {down}


def upgrade() -> None:
{body}


def downgrade() -> None:
    pass
'''

ADD_COLUMN = """\
    op.add_column("accounts", sa.Column("note", sa.Text))
"""

BUILD_INDEX = """\
    with op.get_context().autocommit_block():
        op.create_index(
            "accounts_holder_idx", "accounts", ["holder"], postgresql_concurrently=True
        )
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, by `time.monotonic` when, and what it wrote."""

    exit_code: int
    began: float
    ended: float
    output: str

    @property
    def seconds(self) -> float:
        """How long it took as a whole process."""
        return self.ended - self.began


class Project:
    """A project in a folder, with a revision for each body, and a cache of its own."""

    def __init__(self, folder: Path, *bodies: str, settings: str = "") -> None:
        (folder / "versions").mkdir(parents=True)
        (folder / "alembic.ini").write_text(_INI, encoding="utf-8")
        (folder / "env.py").write_text(_ENV, encoding="utf-8")
        (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
        for number, body in enumerate(bodies, 1):
            down = f'"{number - 1:04}"' if number > 1 else "None"
            text = _REVISION.format(number=number, down=down, body=body.rstrip())
            (folder / "versions" / f"{number:04}_change.py").write_text(text, encoding="utf-8")
        self.folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            "SAFEMIGRATE_CACHE_DIR": str(folder / "cache"),
        }
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def alembic(self, url: str, cut_seconds: float) -> Done:
        """Run `alembic upgrade head`; it is ended at the cut, with the exit code -15."""
        return self._run(["-m", "alembic", "upgrade", "head"], url, cut_seconds)

    def safemigrate(self, url: str, cut_seconds: float, *options: str) -> Done:
        """Run `safemigrate upgrade`; it is ended at the cut, which it should not come to."""
        return self._run(["-m", "safemigrate", "upgrade", *options], url, cut_seconds)

    def start(self, arguments: Sequence[str], url: str) -> "subprocess.Popen[str]":
        """Start a command of Python's in the folder, on a database."""
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**self._environment, "DATABASE_URL": url},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _run(self, arguments: Sequence[str], url: str, cut_seconds: float) -> Done:
        began = time.monotonic()
        with self.start(arguments, url) as process:
            try:
                output, _ = process.communicate(timeout=cut_seconds)
            except subprocess.TimeoutExpired:
                process.terminate()
                output, _ = process.communicate()
            return Done(process.returncode, began, time.monotonic(), output)
