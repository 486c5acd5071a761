"""A reader keeps its transaction open, and a revision adds a column: what is felt meanwhile."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg

from docs.measured.application import Application, connect, draw_timeline
from docs.measured.figures import Experiment, Span, Timeline
from docs.measured.ground import Ground, choose_median, prepare_accounts

__all__ = ["NAME", "measure"]

NAME = "hot-table"
_WAYS = {
    "alembic upgrade head": ("-m", "alembic", "upgrade", "head"),
    "safemigrate upgrade": ("-m", "safemigrate", "upgrade"),
}
_MOST_ROWS = 50_000
_CUT_SECONDS = 60
_LOOK_SECONDS = 0.02

_INI = "[alembic]\nscript_location = %(here)s\n"
_ENV = """\
import os

from alembic import context
from sqlalchemy import NullPool, create_engine

engine = create_engine(os.environ["DATABASE_URL"], poolclass=NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
_REVISION = """\
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.execute("ALTER TABLE accounts ADD COLUMN note text")
"""


def measure(ground: Ground) -> Experiment:
    """Return a timeline for each way to run the revision."""
    rows = min(ground.rows, _MOST_ROWS)
    template = prepare_accounts(ground.server, rows)
    with tempfile.TemporaryDirectory() as name:
        project = _write_project(Path(name))
        timelines = [
            choose_median(
                [_try(ground, project, template, title, rows) for _ in range(ground.repeats)],
                lambda timeline: timeline.worst_ms,
            )
            for title in _WAYS
        ]
    ground.server.drop_database(template)
    about = ground.describe(rows)
    return Experiment(version=1, name=NAME, about=about, timelines=tuple(timelines))


def _write_project(folder: Path) -> Path:
    (folder / "versions").mkdir()
    (folder / "alembic.ini").write_text(_INI, encoding="utf-8")
    (folder / "env.py").write_text(_ENV, encoding="utf-8")
    (folder / "versions" / "0001_note.py").write_text(_REVISION, encoding="utf-8")
    return folder


def _try(ground: Ground, project: Path, template: str, title: str, rows: int) -> Timeline:
    name = ground.server.copy_database(template)
    url = ground.server.url(name)
    with Application(url, keys=rows) as application, closing(connect(url)) as reader:
        time.sleep(ground.calm_seconds)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM accounts WHERE id < 100")
        held_from = application.now
        with ThreadPoolExecutor(1) as pool, closing(connect(url)) as watcher:
            before = _count_sessions(watcher)
            running = pool.submit(_run, project, url, _WAYS[title])
            # how long Python takes to start is nobody's doing
            while _count_sessions(watcher) == before and not running.done():
                time.sleep(_LOOK_SECONDS)
            time.sleep(ground.held_seconds)
            held_to = application.now
            reader.execute("COMMIT")
            running.result()
            done = application.now
        time.sleep(ground.calm_seconds)
        requests = application.stop()
    ground.server.drop_database(name)
    spans = [
        Span(
            what="a transaction has read the table",
            from_s=round(held_from, 2),
            to_s=round(held_to, 2),
        ),
        Span(what=title, from_s=round(held_from, 2), to_s=round(done, 2)),
    ]
    return draw_timeline(title, requests, spans)


def _count_sessions(watcher: psycopg.Connection) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    (number,) = watcher.execute(query).fetchone() or (0,)
    return int(number)


def _run(project: Path, url: str, arguments: Sequence[str]) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "SAFEMIGRATE_CACHE_DIR": str(project / "cache"),
        "NO_COLOR": "1",
    }
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_CUT_SECONDS,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended in {done.returncode}:\n{done.stderr}")
