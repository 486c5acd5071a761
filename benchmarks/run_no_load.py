"""300 revisions on an empty database that nobody else uses: what it costs to be safe there.

`safemigrate upgrade` beside `alembic upgrade head` with one transaction per revision, on the
history of lint_history.py, as whole processes and in turn; ratios are taken pair by pair. Cold is
with an empty cache, as where the revisions were never judged; warm is after `safemigrate lint` of
the same revisions, as where a pipeline judges before it deploys. The databases are on an embedded
server that writes nothing to disk, so that a commit costs least and our share shows most.

    .venv/bin/python benchmarks/run_no_load.py [--revisions 300] [--runs 5]
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from os import environ
from pathlib import Path

import psycopg
from lint_history import show, write_history
from traffic import libpq_url
from traffic_table import Aims

from safemigrate.server import Server, open_server

_AIM = 1.15
# As env.py of most projects is: it imports the models, and with them SQLAlchemy's ORM.
_ENV = """\
import os

from alembic import context
from sqlalchemy import NullPool, create_engine
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


if context.is_offline_mode():
    context.configure(dialect_name="postgresql", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = create_engine(
        os.environ.get("DATABASE_URL", "postgresql+psycopg://"), poolclass=NullPool
    )
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
"""
_TABLES = """
SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')
"""


class Bench:
    """A history in a folder, and the commands that are timed there, each on a new database."""

    def __init__(self, folder: Path, server: Server, revisions: int) -> None:
        write_history(folder, revisions)
        (folder / "env.py").write_text(_ENV, encoding="utf-8")
        self._folder = folder
        self._server = server
        self._cache = folder / "cache"
        self._environment = {
            **environ,
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            "SAFEMIGRATE_CACHE_DIR": str(self._cache),
        }
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.objects: set[int] = set()

    def alembic(self) -> float:
        """Return the seconds that `alembic upgrade head` takes."""
        return self._upgrade("alembic", "upgrade", "head")

    def ours(self) -> float:
        """Return the seconds that `safemigrate upgrade` takes."""
        return self._upgrade("safemigrate", "upgrade", "--quiet")

    def forget(self) -> None:
        """Empty the cache."""
        shutil.rmtree(self._cache, ignore_errors=True)

    def judge(self) -> None:
        """Fill the cache, as a pipeline does that judges before it deploys."""
        self._run(("safemigrate", "lint", "--quiet"), "", codes={0, 1})

    def _upgrade(self, *command: str) -> float:
        name = self._server.create_database()
        url = self._server.url(name)
        seconds = self._run(command, url, codes={0})
        with psycopg.connect(libpq_url(url)) as connection:
            row = connection.execute(_TABLES).fetchone()
        self.objects.add(int(row[0]) if row else 0)
        self._server.drop_database(name)
        return seconds

    def _run(self, command: Sequence[str], url: str, codes: set[int]) -> float:
        database = {"DATABASE_URL": url} if url else {}
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self._folder,
            env={**self._environment, **database},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode not in codes:
            sys.exit(f"{' '.join(command)} ended in {done.returncode}:\n{done.stderr[-2000:]}")
        return seconds


def main() -> None:
    """Measure cold and warm, and compare with the aim."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--revisions", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{arguments.revisions} revisions, median of {arguments.runs} runs, whole processes")
    theirs: list[float] = []
    cold: list[float] = []
    warm: list[float] = []
    with tempfile.TemporaryDirectory() as name, open_server("embedded") as server:
        bench = Bench(Path(name), server, arguments.revisions)
        # compiles what is imported, and fills the disk's cache
        bench.alembic()
        bench.ours()
        for _ in range(arguments.runs):
            theirs.append(bench.alembic())
            bench.forget()
            cold.append(bench.ours())
            bench.judge()
            warm.append(bench.ours())
        made = bench.objects
    show("alembic upgrade head, one transaction per revision", theirs)
    show("safemigrate upgrade, cold", cold)
    show("safemigrate upgrade, judged before", warm)
    aims = Aims()
    for title, ours in (("cold", cold), ("judged before", warm)):
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        aims.check(f"{title} / alembic: at most {_AIM}", f"{ratio:.2f}", is_met=ratio <= _AIM)
    aims.check("all made the same", "yes" if len(made) == 1 else "no", is_met=len(made) == 1)
    aims.end()


if __name__ == "__main__":
    main()
