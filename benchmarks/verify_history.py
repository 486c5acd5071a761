"""Up, down and up again for each of 300 revisions, with the schema compared after each step.

`safemigrate verify --select schema` beside pytest-alembic's `test_up_down_consistency`, which goes
up, down and up too and compares nothing: the history of lint_history.py with a downgrade for every
upgrade, on the same embedded server, as whole processes from their start to their end and in turn;
ratios are taken pair by pair. `--peer` names the Python of an environment that has pytest-alembic
and psycopg; one is made where it is not given.

    .venv/bin/python benchmarks/verify_history.py [--revisions 300] [--runs 5] [--peer PYTHON]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from lint_history import show, write_history
from traffic_table import Aims

from safemigrate.server import Server, open_server

_AIM = 1.0
_MEMORY_MIB = 200
_ENV = """\
import os

from alembic import context
from sqlalchemy import NullPool, create_engine

engine = context.config.attributes.get("connection") or create_engine(
    os.environ.get("DATABASE_URL", "postgresql+psycopg://"), poolclass=NullPool
)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
# The fifth kind of revision, with a way back: lint asks for none.
_VALIDATE = '''\
"""revision {number}"""

import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision = "{down:04}"


def upgrade() -> None:
    op.execute("ALTER TABLE table_{table} VALIDATE CONSTRAINT table_{table}_amount_{down}")
    op.alter_column("table_{table}", "name", type_=sa.String(100))


def downgrade() -> None:
    op.alter_column("table_{table}", "name", type_=sa.String(50))
    op.drop_constraint("table_{table}_amount_{down}", "table_{table}")
    op.create_check_constraint(
        "table_{table}_amount_{down}", "table_{table}", "amount >= 0", postgresql_not_valid=True
    )
'''
_PEER = """\
import os

import pytest
from pytest_alembic.tests import test_up_down_consistency
from sqlalchemy import create_engine


@pytest.fixture
def alembic_config():
    return {"file": "alembic.ini"}


@pytest.fixture
def alembic_engine():
    return create_engine(os.environ["DATABASE_URL"])
"""
# Our command, and what it and the processes that it has waited for needed at most.
_OURS = """\
import json
import resource
import sys

from safemigrate.cli import main

try:
    main()
except SystemExit as end:
    code = end.code
kinds = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
print(json.dumps([resource.getrusage(kind).ru_maxrss for kind in kinds]), file=sys.stderr)
sys.exit(code)
"""


class Bench:
    """A history in a folder, and the two commands that are timed there."""

    def __init__(self, folder: Path, server: Server, revisions: int, peer: str) -> None:
        write_history(folder, revisions)
        for number in range(4, revisions, 5):
            text = _VALIDATE.format(number=number, down=number - 1, table=number - 4)
            path = folder / "versions" / f"{number:04}_revision.py"
            path.write_text(text, encoding="utf-8")
        (folder / "env.py").write_text(_ENV, encoding="utf-8")
        (folder / "test_peer.py").write_text(_PEER, encoding="utf-8")
        self._folder = folder
        self._server = server
        self._peer = peer
        self._environment = {
            **os.environ,
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            "SAFEMIGRATE_CACHE_DIR": str(folder / "cache"),
        }
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.memory_mib = 0.0

    def theirs(self) -> float:
        """Return the seconds that pytest-alembic takes, on a new database."""
        name = self._server.create_database()
        options = ("-q", "-p", "no:cacheprovider", "test_peer.py")
        seconds, _ = self._run(
            [self._peer, "-m", "pytest", *options], {"DATABASE_URL": self._server.url(name)}
        )
        self._server.drop_database(name)
        return seconds

    def ours(self) -> float:
        """Return the seconds that `safemigrate verify --select schema` takes, with nothing kept."""
        shutil.rmtree(self._folder / "cache", ignore_errors=True)
        options = ("--select", "schema", "--quiet", "--format", "json")
        url = self._server.url("postgres")
        seconds, said = self._run(
            [sys.executable, "-c", _OURS, "verify", "--server", url, *options], {}
        )
        self.memory_mib = max(self.memory_mib, *(kib / 1024 for kib in json.loads(said)))
        return seconds

    def _run(self, command: Sequence[str], variables: dict[str, str]) -> tuple[float, str]:
        """Return how long it takes, and the last line that it writes to standard error."""
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self._folder,
            env={**self._environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode:
            said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
            sys.exit(f"{command[0]} ended in {done.returncode}:\n{said}")
        return seconds, (done.stderr.splitlines() or ["[]"])[-1]


def make_peer(folder: Path) -> str:
    """Return the Python of a new virtual environment in the folder that has pytest-alembic.

    Its plugin would collect our own tests too, so it stands by itself.
    """
    environment = folder / "peer"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = str(environment / "bin" / "python")
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([python, *install, "pytest-alembic", "psycopg[binary]"], check=True)
    return python


def main() -> None:
    """Measure both in turn, and compare with the aims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--revisions", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peer", metavar="PYTHON")
    arguments = parser.parse_args()
    print(f"{arguments.revisions} revisions, median of {arguments.runs} runs, whole processes")
    theirs: list[float] = []
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as name, open_server("embedded") as server:
        folder = Path(name, "history")
        folder.mkdir()
        peer = arguments.peer or make_peer(Path(name))
        bench = Bench(folder, server, arguments.revisions, peer)
        # compiles what is imported, and fills the disk's cache
        bench.theirs()
        bench.ours()
        for _ in range(arguments.runs):
            theirs.append(bench.theirs())
            ours.append(bench.ours())
        memory = bench.memory_mib
    show("pytest-alembic test_up_down_consistency", theirs)
    show("safemigrate verify --select schema", ours)
    aims = Aims()
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    title = f"safemigrate / pytest-alembic: at most {_AIM}"
    aims.check(title, f"{ratio:.2f}", is_met=ratio <= _AIM)
    title = f"memory of one of our processes: at most {_MEMORY_MIB} MiB"
    aims.check(title, f"{memory:.0f} MiB", is_met=memory <= _MEMORY_MIB)
    aims.end()


if __name__ == "__main__":
    main()
