"""CREATE INDEX CONCURRENTLY while other transactions hold snapshots of 0.2, 2 and 5 seconds.

A build waits at its end for every older snapshot in the database, also of transactions that never
touched its table, and lock_timeout bounds that wait too: what it ends stays behind INVALID, takes
its share of every write, and is in the way of the next attempt. What is asked of each way is a
valid index after one run, with nothing done by hand; `leftover` begins with an INVALID index that
an earlier build has left.

    .venv/bin/python benchmarks/run_index_builds.py [--ours]
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from traffic import libpq_url, prepare_database
from traffic_blockers import hold
from traffic_project import BUILD_INDEX, Done, Project
from traffic_table import Aims, Column, print_table
from traffic_trial import OURS, STOCK, Way, run_undisturbed

from safemigrate.server import Server, open_server

_HOLDS = (0.2, 2.0, 5.0)
_CUT_SECONDS = 25.0
_SNAPSHOT = "SELECT count(*) FROM audits"
_BUILD = "CREATE INDEX CONCURRENTLY {} accounts_holder_idx ON accounts (holder)"
_STATE = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('accounts_holder_idx')"


@dataclass(frozen=True, slots=True)
class Build:
    """How a build ended, and what is there afterwards: `valid`, `INVALID` or `none`."""

    done: Done
    state: str

    @property
    def is_good(self) -> bool:
        """Whether nothing is left to do by hand."""
        return self.done.exit_code == 0 and self.state == "valid"


def retry(timeout_ms: int, attempts: int, clause: str = "") -> Callable[[str, float], Done]:
    """Return what builds by lock_timeout and retries, a second apart, as others do."""
    statement = sql.SQL(_BUILD).format(sql.SQL(clause))

    def change(url: str, cut_seconds: float) -> Done:
        began, output = time.monotonic(), ""
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            connection.execute(sql.SQL("SET lock_timeout = {}").format(timeout_ms))
            for _ in range(attempts):
                try:
                    connection.execute(statement)
                except psycopg.errors.LockNotAvailable as err:
                    output = str(err)
                except psycopg.Error as err:
                    return Done(1, began, time.monotonic(), str(err))
                else:
                    return Done(0, began, time.monotonic(), output)
                if time.monotonic() - began > cut_seconds:
                    break
                time.sleep(1)
        return Done(3, began, time.monotonic(), output)

    return change


def leave_invalid(url: str) -> None:
    """Leave an INVALID index of the name and definition behind, as a build that was ended does."""
    with (
        hold(url, 30, _SNAPSHOT, isolation="REPEATABLE_READ"),
        psycopg.connect(libpq_url(url), autocommit=True) as connection,
    ):
        connection.execute("SET lock_timeout = '50ms'")
        try:
            connection.execute(sql.SQL(_BUILD).format(sql.SQL("")))
        except psycopg.errors.LockNotAvailable:
            return
    raise SystemExit("the build that was to be ended was not")


def build(
    server: Server, template: str, way: Way, seconds: float | None, start_seconds: float
) -> Build:
    """Build in a copy of the template beside a snapshot held so long, or None: on a leftover.

    `start_seconds`: what the way takes to come to the build; the snapshot is held as much longer.
    """
    name = server.copy_database(template)
    url = server.url(name)
    if seconds is None:
        leave_invalid(url)
        done = way.change(url, _CUT_SECONDS)
    else:
        with hold(url, seconds + start_seconds, _SNAPSHOT, isolation="REPEATABLE_READ"):
            done = way.change(url, _CUT_SECONDS)
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute(_STATE).fetchone()
    server.drop_database(name)
    state = "none" if row is None else "valid" if row[0] else "INVALID"
    return Build(done, state)


def show(builds: Sequence[Build]) -> list[str]:
    """Return a cell for each build."""
    return [
        f"{one.state}, {one.done.seconds:.1f} s"
        + (f", exit {one.done.exit_code}" if one.done.exit_code else "")
        for one in builds
    ]


def main() -> None:
    """Measure, print the table, and compare with the aims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--ours", action="store_true", help="leave out the others")
    arguments = parser.parse_args()
    with open_server("embedded") as server, tempfile.TemporaryDirectory() as folder:
        template = prepare_database(server)
        project = Project(Path(folder) / "project", BUILD_INDEX)
        others = [
            Way(STOCK, project.alembic),
            Way("200 ms, three times", retry(200, 3)),
            Way("500 ms, three times, IF NOT EXISTS", retry(500, 3, "IF NOT EXISTS")),
            Way("2 s, three times", retry(2000, 3)),
        ]
        ours = Way(OURS, project.safemigrate)
        starts = {
            way.name: run_undisturbed(server, template, way).seconds for way in (others[0], ours)
        }
        ways = [ours] if arguments.ours else [*others, ours]
        builds = {
            way.name: [
                build(server, template, way, seconds, starts.get(way.name, 0.0))
                for seconds in (*_HOLDS, None)
            ]
            for way in ways
        }
    heads = [*(f"held {seconds} s" for seconds in _HOLDS), "leftover"]
    print_table(
        [Column("way", -36), *(Column(head, -23) for head in heads)],
        [[name, *show(made)] for name, made in builds.items()],
    )
    aims = Aims()
    for head, one in zip(heads, builds[OURS], strict=True):
        result = one.state if one.is_good else f"{one.state}\n{one.done.output[-800:]}"
        aims.check(f"{head}: valid after one run", result, is_met=one.is_good)
    aims.end()


if __name__ == "__main__":
    main()
