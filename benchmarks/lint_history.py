"""Lint of a generated history, cold, beside Alembic's own `upgrade --sql` of the same history.

Both run as whole processes, in turn, and the ratio is taken pair by pair.
The history reads nothing from the database, because `upgrade --sql` cannot.

    .venv/bin/python benchmarks/lint_history.py [--revisions 300] [--runs 5]
"""

import argparse
import os
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
        down = "None" if number == 0 else f'"{number - 1:04}"'
        body = _KINDS[number % len(_KINDS)].format(
            n=number,
            t=number - number % len(_KINDS),
            p=number - 1,
            size=100,
        )
        text = _HEAD.format(number=number, down=down) + body
        (folder / "versions" / f"{number:04}_revision.py").write_text(text, encoding="utf-8")


def time_run(command: Sequence[str], folder: Path) -> float:
    """Return the seconds that the command takes in a new process without compiled leftovers."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended in {done.returncode}:\n{done.stderr[-2000:]}")
    return seconds


def main() -> None:
    """Measure both in turn and print medians and the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--revisions", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    commands = {
        "safemigrate lint": [sys.executable, "-m", "safemigrate", "lint", "--quiet"],
        "alembic upgrade --sql": [sys.executable, "-m", "alembic", "upgrade", "head", "--sql"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_history(folder, arguments.revisions)
        for run in range(arguments.runs + 1):
            for title, command in commands.items():
                seconds = time_run(command, folder)
                if run > 0:  # the first pair warms the disk's cache
                    times[title].append(seconds)
    print(f"{arguments.revisions} revisions, median of {arguments.runs} runs, whole processes")
    for title, values in times.items():
        spread = f"{min(values):.2f} to {max(values):.2f}"
        print(f"{title:24}{statistics.median(values):8.2f} s   ({spread})")
    ours, theirs = times.values()
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"{'ratio, pair by pair':24}{ratio:8.2f}")


if __name__ == "__main__":
    main()
