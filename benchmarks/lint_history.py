"""Lint of a generated history: cold, warm, after one more revision, and ten times as long.

Cold, beside Alembic's own `upgrade --sql` of the same history, which renders one direction and
judges nothing; the history reads nothing from the database, because that could not. Warm, beside
squawk, which reads the SQL that Alembic has rendered before. All run as whole processes, in turn,
and the ratios are taken pair by pair. squawk is a peer to measure against and no dependency:
`pip install squawk-cli`.

    .venv/bin/python benchmarks/lint_history.py [--revisions 300] [--runs 5]
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

_ENV = """\
from alembic import context
from sqlalchemy import engine_from_config, pool

config = context.config
if context.is_offline_mode():
    context.configure(url=config.get_main_option("sqlalchemy.url"), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    engine = engine_from_config(
        config.get_section(config.config_ini_section, {}), poolclass=pool.NullPool
    )
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""

_HEAD = '''\
"""revision {number}"""

import sqlalchemy as sa
from alembic import op

revision = "{number:04}"
down_revision = {down}


'''

_TABLE = """\
def upgrade() -> None:
    op.create_table(
        "table_{n}",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False, server_default="0"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )


def downgrade() -> None:
    op.drop_table("table_{n}")
"""

_COLUMN = """\
def upgrade() -> None:
    op.add_column("table_{t}", sa.Column("note_{n}", sa.Text))
    op.execute("COMMENT ON COLUMN table_{t}.note_{n} IS 'a note'")


def downgrade() -> None:
    op.drop_column("table_{t}", "note_{n}")
"""

_INDEX = """\
def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "table_{t}_name_{n}_idx", "table_{t}", ["name"], postgresql_concurrently=True
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index(
            "table_{t}_name_{n}_idx", table_name="table_{t}", postgresql_concurrently=True
        )
"""

_CHECK = """\
def upgrade() -> None:
    op.create_check_constraint(
        "table_{t}_amount_{n}", "table_{t}", "amount >= 0", postgresql_not_valid=True
    )


def downgrade() -> None:
    op.drop_constraint("table_{t}_amount_{n}", "table_{t}")
"""

_VALIDATE = """\
def upgrade() -> None:
    op.execute("ALTER TABLE table_{t} VALIDATE CONSTRAINT table_{t}_amount_{p}")
    op.alter_column("table_{t}", "name", type_=sa.String({size}))


def downgrade() -> None:
    op.execute("SELECT 1")
"""

_KINDS = (_TABLE, _COLUMN, _INDEX, _CHECK, _VALIDATE)


def write_history(folder: Path, revisions: int) -> None:
    """Write an Alembic project of that many revisions, in groups of five over one table each."""
    (folder / "versions").mkdir()
    (folder / "alembic.ini").write_text(
        "[alembic]\nscript_location = %(here)s\nsqlalchemy.url = postgresql+psycopg://\n",
        encoding="utf-8",
    )
    (folder / "env.py").write_text(_ENV, encoding="utf-8")
    for number in range(revisions):
        write_revision(folder, number)


def write_revision(folder: Path, number: int) -> None:
    """Write one more revision of the history."""
    down = "None" if number == 0 else f'"{number - 1:04}"'
    body = _KINDS[number % len(_KINDS)].format(
        n=number,
        t=number - number % len(_KINDS),
        p=number - 1,
        size=100,
    )
    text = _HEAD.format(number=number, down=down) + body
    (folder / "versions" / f"{number:04}_revision.py").write_text(text, encoding="utf-8")


class Bench:
    """A history in a folder, with a cache of its own, and the commands that are timed there."""

    def __init__(self, folder: Path, revisions: int) -> None:
        self.folder = folder
        self.count = revisions
        write_history(folder, revisions)
        self._environment = {
            **os.environ,
            # ours may be a checkout that was never compiled, as an installed package is
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
            "SAFEMIGRATE_CACHE_DIR": str(folder / "cache"),
        }
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def lint(self, *options: str) -> float:
        """Return the seconds that `safemigrate lint` takes."""
        return self.time([sys.executable, "-m", "safemigrate", "lint", "--quiet", *options])

    def render(self) -> float:
        """Return the seconds that `alembic upgrade --sql` takes; keep what it writes."""
        with (self.folder / "rendered.sql").open("wb") as file:
            return self.time(
                [sys.executable, "-m", "alembic", "upgrade", "head", "--sql"], output=file.fileno()
            )

    def add_revision(self) -> None:
        """Write one more revision."""
        write_revision(self.folder, self.count)
        self.count += 1

    def time(self, command: Sequence[str], *, output: int = subprocess.DEVNULL) -> float:
        """Return the seconds that the command takes in a new process."""
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode not in {0, 1}:
            sys.exit(f"{' '.join(command)} ended in {done.returncode}:\n{done.stderr[-2000:]}")
        return seconds


def show(title: str, seconds: Sequence[float]) -> None:
    """Print the median and the spread of some runs."""
    spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
    print(f"{title:52}{statistics.median(seconds):8.2f} s   ({spread})")


def show_ratio(title: str, ours: Sequence[float], theirs: Sequence[float], aim: str) -> None:
    """Print the median ratio of pairs of runs, and what is aimed at."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"{title:52}{ratio:8.2f}     aim: {aim}")


def measure_one_length(bench: Bench, runs: int) -> tuple[list[float], list[float]]:
    """Print the figures of one history; return the cold and the warm times."""
    print(f"{bench.count} revisions, median of {runs} runs, whole processes")
    # the disk's cache is warm then
    bench.lint("--no-cache")
    bench.render()
    cold, rendered = [], []
    for _ in range(runs):
        cold.append(bench.lint("--no-cache"))
        rendered.append(bench.render())
    show("safemigrate lint --no-cache", cold)
    show("alembic upgrade head --sql", rendered)
    show_ratio("cold lint / alembic", cold, rendered, "2")
    bench.lint()
    warm, peer = [], []
    squawk = shutil.which("squawk", path=str(Path(sys.executable).parent)) or ""
    for _ in range(runs):
        warm.append(bench.lint())
        if squawk:
            peer.append(bench.time([squawk, "rendered.sql"]))
    show("safemigrate lint, nothing changed", warm)
    if squawk:
        show("squawk rendered.sql", peer)
        show_ratio("warm lint / squawk", warm, peer, "3")
    else:
        print("squawk is not installed: pip install squawk-cli")
    return cold, warm


def measure_growth(bench: Bench, runs: int, warm: Sequence[float]) -> None:
    """Print what one more revision costs."""
    whole, newest = [], []
    for _ in range(runs):
        bench.add_revision()
        whole.append(bench.lint())
        bench.add_revision()
        newest.append(bench.lint(f"versions/{bench.count - 1:04}_revision.py"))
    show("after one more revision, all judged again", whole)
    show("after one more revision, that one judged", newest)
    show_ratio("all judged again / warm", whole, warm, "1.2")


def main() -> None:
    """Measure a history, and one that is ten times as long."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--revisions", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), arguments.revisions)
        short, warm = measure_one_length(bench, arguments.runs)
        measure_growth(bench, arguments.runs, warm)
    print()
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name), arguments.revisions * 10)
        long = [bench.lint("--no-cache")]
        peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        bench.lint()
        long_warm = [bench.lint() for _ in range(arguments.runs)]
        print(f"{bench.count} revisions")
        show("safemigrate lint --no-cache", long)
        show("safemigrate lint, nothing changed", long_warm)
        growth = long[0] / statistics.median(short)
        print(f"{'ten times the revisions, cold':52}{growth:8.2f}     aim: 10")
        print(f"{'peak memory of one process':52}{peak_kib / 1024:8.0f} MiB aim: 300")


if __name__ == "__main__":
    main()
