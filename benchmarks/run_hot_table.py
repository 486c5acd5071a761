"""One ALTER TABLE on a hot table that a reader holds: what the application feels meanwhile.

300 requests a second go to a table; a transaction that has read it stays idle for twelve seconds,
and a revision adds a column. ALTER TABLE asks for ACCESS EXCLUSIVE, and whoever asks for it stands
in the queue in front of all that come later. Stock Alembic and safemigrate run as processes, as
one types them; the policies of other tools are replayed with their documented defaults.

    .venv/bin/python benchmarks/run_hot_table.py [--quick] [--runs 1] [--ours]
"""

import argparse
from functools import partial

from traffic import prepare_database
from traffic_blockers import hold
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

_AFTER_SECONDS = 0.3
_READ = "SELECT count(*) FROM accounts WHERE id < 100"


def measure(seconds: float, runs: int, *, is_ours: bool) -> list[list[Trial]]:
    """Return the trials of each way, with a reader of so many seconds."""
    block = partial(hold, seconds=seconds, statement=_READ, isolation="READ_COMMITTED")
    with open_server("embedded") as server, every_way() as ways:
        template = prepare_database(server)
        print_quiet(server, template)
        for way in ways:
            if way.name in {OURS, STOCK}:
                run_undisturbed(server, template, way)
        return [
            [try_way(server, template, way, block, seconds + 15) for _ in range(runs)]
            for way in ways
            if way.name == OURS or not is_ours
        ]


def main() -> None:
    """Measure, print the table, and compare with the aims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a reader of 4 s")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--ours", action="store_true", help="leave out the others")
    arguments = parser.parse_args()
    seconds = 4.0 if arguments.quick else 12.0
    print(f"a reader of {seconds:.0f} s, 300 requests/s, median of {arguments.runs}")
    trials = measure(seconds, arguments.runs, is_ours=arguments.ours)
    print_trials(trials)
    (*_, ours) = trials
    after = max(trial.after or 0.0 for trial in ours)
    is_done = all(trial.done.exit_code == 0 for trial in ours)
    aims = Aims()
    worst = max(ours, key=lambda trial: trial.felt.slow)
    slow = worst.felt.slow
    told = f"\n{worst.done.output}" if slow else ""
    aims.check("requests over 100 ms: 0", f"{slow}{told}", is_met=slow == 0)
    aims.check(
        f"done at most {_AFTER_SECONDS} s after the reader",
        f"{after:+.2f} s" if is_done else worst.done.output[-500:],
        is_met=is_done and after <= _AFTER_SECONDS,
    )
    aims.end()


if __name__ == "__main__":
    main()
