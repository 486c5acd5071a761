"""One ALTER TABLE on a table that an autovacuum is at work on, at 300 requests a second.

PostgreSQL ends an autovacuum that somebody waits for after deadlock_timeout, one second; whoever
gives up before that never gets the table. The autovacuum is slowed down so that it runs for
minutes. `done` is the whole process, and what it takes with nothing else going on is above the
table; how long the revision itself took is in the history that it leaves in the database.

    .venv/bin/python benchmarks/run_autovacuum.py [--runs 1] [--ours]
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from traffic import prepare_database
from traffic_blockers import Hold, autovacuum
from traffic_table import Aims
from traffic_trial import (
    OURS,
    STOCK,
    Trial,
    every_way,
    print_quiet,
    print_trials,
    run_undisturbed,
    try_way,
)

from safemigrate.server import open_server

_CUT_SECONDS = 12.0
_DONE_SECONDS = 1.2
_WORST_MS = 100.0


@contextmanager
def vacuuming(url: str) -> Iterator[Hold | None]:
    """Have the table vacuumed; there is no end to count from."""
    with autovacuum(url):
        yield None


def check(trials: Sequence[Trial]) -> None:
    """Compare with the aims, and end."""
    aims = Aims()
    is_done = all(trial.done.exit_code == 0 for trial in trials)
    seconds = max(trial.revision_seconds or 0.0 for trial in trials)
    aims.check(
        f"the revision done in {_DONE_SECONDS} s",
        f"{seconds:.2f} s" if is_done else trials[0].done.output[-500:],
        is_met=is_done and seconds <= _DONE_SECONDS,
    )
    worst = max(trial.felt.worst_ms for trial in trials)
    aims.check(
        f"worst request at most {_WORST_MS:.0f} ms", f"{worst:.0f} ms", is_met=worst <= _WORST_MS
    )
    aims.end()


def main() -> None:
    """Measure, print the table, and compare with the aims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--ours", action="store_true", help="leave out the others")
    arguments = parser.parse_args()
    print(f"a running autovacuum, 300 requests/s, median of {arguments.runs}")
    with open_server("embedded") as server, every_way() as ways:
        template = prepare_database(server)
        print_quiet(server, template)
        alone = {
            way.name: run_undisturbed(server, template, way).seconds
            for way in ways
            if way.name in {OURS, STOCK}
        }
        trials = [
            [try_way(server, template, way, vacuuming, _CUT_SECONDS) for _ in range(arguments.runs)]
            for way in ways
            if way.name == OURS or not arguments.ours
        ]
    for name, seconds in alone.items():
        print(f"{name} with nothing else going on: {seconds:.2f} s")
    print_trials(trials)
    check(trials[-1])


if __name__ == "__main__":
    main()
