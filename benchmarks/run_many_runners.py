"""Twenty runners at once on one database, fifty times: one applies, none fails, none deadlocks.

As when every replica of an application migrates as it starts. The revisions alter a table and
build an index CONCURRENTLY, which waits for all older snapshots, so that a runner that waits for
its turn inside a statement is in a deadlock with the one that builds. The runners are forked from
a process that has imported what they need: they set out within milliseconds of one another.
Stock Alembic does the same with three.

    .venv/bin/python benchmarks/run_many_runners.py [--times 50] [--runners 20]
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import psycopg
from alembic.config import CommandLine
from traffic import libpq_url, prepare_database
from traffic_project import ADD_COLUMN, BUILD_INDEX, Project
from traffic_table import Aims, Column, print_table

import safemigrate
from safemigrate.cli import main as run_safemigrate
from safemigrate.server import Server, open_server

_ALEMBIC_RUNNERS = 3
_FACTS = """
SELECT (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()),
    (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('accounts_holder_idx')),
    (SELECT count(*) FROM pg_attribute
        WHERE attrelid = 'accounts'::regclass AND attname = 'note' AND NOT attisdropped)
"""
_APPLIED = "SELECT count(*) FROM safemigrate.history WHERE outcome = 'applied'"
_NO_TABLE = "42P01"


@dataclass(frozen=True, slots=True)
class Rush:
    """What came of runners that set out together; `applied` is None where nobody counted."""

    exit_codes: tuple[int, ...]
    deadlocks: int
    is_right: bool
    applied: int | None
    seconds: float
    output: str


def import_all() -> None:
    """Import what a runner needs, and what env.py does, so that what is forked has it."""
    for module in walk_packages(safemigrate.__path__, "safemigrate."):
        if not module.name.endswith("__main__"):
            import_module(module.name)


def run_alembic() -> None:
    """Be `alembic upgrade head`."""
    CommandLine(prog="alembic").main(["upgrade", "head"])


def run_ours() -> None:
    """Be `safemigrate upgrade`."""
    sys.argv = ["safemigrate", "upgrade"]
    run_safemigrate()


def fork(run: Callable[[], None], project: Project, url: str, output: Path) -> int:
    """Return the pid of a child that runs this in the project's folder."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.chdir(project.folder)
        os.environ["DATABASE_URL"] = url
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(file, 1)
        os.dup2(file, 2)
        run()
        code = 0
    except SystemExit as err:
        code = err.code if isinstance(err.code, int) else 1 if err.code else 0
    except BaseException as err:  # noqa: BLE001 - whatever stock Alembic raises is its exit code 1
        print(f"{type(err).__name__}: {err}", flush=True)
        code = 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def rush(
    server: Server, template: str, project: Project, run: Callable[[], None], runners: int
) -> Rush:
    """Let so many set out together on a copy of the template, and wait for all of them."""
    name = server.copy_database(template)
    url = server.url(name)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        began = time.monotonic()
        pids = [fork(run, project, url, output) for _ in range(runners)]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        seconds = time.monotonic() - began
        text = output.read_text(encoding="utf-8")
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute(_FACTS).fetchone() or (0, False, 0)
        try:
            counted = connection.execute(_APPLIED).fetchone()
        except psycopg.Error as err:
            if err.sqlstate != _NO_TABLE:
                raise
            counted = None
    server.drop_database(name)
    applied = None if counted is None else int(counted[0])
    is_right = bool(row[1]) and row[2] == 1
    return Rush(tuple(codes), int(row[0] or 0), is_right, applied, seconds, text)


def show(name: str, runners: int, rushes: Sequence[Rush]) -> list[str]:
    """Return a row for these."""
    codes = Counter(code for one in rushes for code in one.exit_codes)
    return [
        name,
        str(runners),
        str(len(rushes)),
        str(sum(count for code, count in codes.items() if code)),
        str(sum(one.deadlocks for one in rushes)),
        str(sum(not one.is_right for one in rushes)),
        f"{statistics.median(one.seconds for one in rushes):.1f} s",
    ]


COLUMNS = (
    Column("way", -22),
    Column("runners", 7),
    Column("times", 5),
    Column("failed", 6),
    Column("deadlocks", 9),
    Column("wrong", 5),
    Column("until all ended", 15),
)


def check(rushes: Sequence[Rush]) -> None:
    """Compare with the aims, and end."""
    aims = Aims()
    failed = [one for one in rushes if any(one.exit_codes)]
    aims.check(
        "runners that failed: 0",
        f"in {len(failed)} of {len(rushes)}\n{failed[0].output[-1500:]}" if failed else "0",
        is_met=not failed,
    )
    deadlocks = sum(one.deadlocks for one in rushes)
    aims.check("deadlocks: 0", str(deadlocks), is_met=deadlocks == 0)
    once = sum(one.applied == len(_BODIES) and one.is_right for one in rushes)
    aims.check("applied by one of them", f"{once} of {len(rushes)}", is_met=once == len(rushes))
    aims.end()


_BODIES = (ADD_COLUMN, BUILD_INDEX)


def main() -> None:
    """Measure, print the table, and compare with the aims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--runners", type=int, default=20)
    arguments = parser.parse_args()
    import_all()
    with open_server("embedded") as server, tempfile.TemporaryDirectory() as folder:
        template = prepare_database(server)
        project = Project(Path(folder) / "project", *_BODIES)
        rush(server, template, project, run_alembic, 1)
        rush(server, template, project, run_ours, 1)
        stock = [
            rush(server, template, project, run_alembic, _ALEMBIC_RUNNERS)
            for _ in range(max(1, arguments.times // 5))
        ]
        ours = [
            rush(server, template, project, run_ours, arguments.runners)
            for _ in range(arguments.times)
        ]
    print_table(
        COLUMNS,
        [
            show("alembic upgrade head", _ALEMBIC_RUNNERS, stock),
            show("safemigrate upgrade", arguments.runners, ours),
        ],
    )
    check(ours)


if __name__ == "__main__":
    main()
