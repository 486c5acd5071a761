"""One ALTER TABLE on a table that is never free: waited for, and with reports that may be ended.

Four reports of 1.5 s each overlap, so that there is no moment without one, while 300 requests a
second go to the table. By the policy "wait" a run gives up at its deadline, having held up nobody;
by "terminate" it ends the reports, whose application_name the configuration calls expendable.

    .venv/bin/python benchmarks/run_never_free.py [--runs 1] [--ours]
"""

import argparse
from collections.abc import Sequence

from traffic import prepare_database
from traffic_blockers import REPORTS, never_free
from traffic_table import Aims
from traffic_trial import (
    OURS,
    STOCK,
    Trial,
    Way,
    every_way,
    print_quiet,
    print_trials,
    run_undisturbed,
    try_way,
)

from safemigrate.server import Server, open_server

_CUT_SECONDS = 20.0
_DEADLINE_SECONDS = 8
_DONE_SECONDS = 10.0
_WORST_MS = 150.0
_GAVE_UP = 3
_TERMINATE = f"""\
[tool.safemigrate.run]
when-busy = "terminate"
expendable-applications = ["{REPORTS}"]
"""


def measure(server: Server, template: str, ways: Sequence[Way], runs: int) -> list[list[Trial]]:
    """Return the trials of each way."""
    return [
        [try_way(server, template, way, never_free, _CUT_SECONDS) for _ in range(runs)]
        for way in ways
    ]


def check_waiting(aims: Aims, trials: Sequence[Trial]) -> None:
    """Compare the policy "wait" with what it is for."""
    slow = max(trial.felt.slow for trial in trials)
    aims.check("wait: requests over 100 ms: 0", str(slow), is_met=slow == 0)
    codes = {trial.done.exit_code for trial in trials}
    aims.check(
        "wait: exit code 3 at the deadline",
        ", ".join(map(str, sorted(codes))),
        is_met=codes == {_GAVE_UP},
    )
    named = all(REPORTS in trial.done.output for trial in trials)
    aims.check("wait: the message names who held it", "yes" if named else "no", is_met=named)


def check_terminating(aims: Aims, trials: Sequence[Trial]) -> None:
    """Compare the policy "terminate" with what it is for."""
    seconds = max(trial.done.seconds for trial in trials)
    is_done = all(trial.done.exit_code == 0 for trial in trials)
    aims.check(
        f"terminate: done in {_DONE_SECONDS:.0f} s",
        f"{seconds:.1f} s" if is_done else trials[0].done.output[-500:],
        is_met=is_done and seconds <= _DONE_SECONDS,
    )
    worst = max(trial.felt.worst_ms for trial in trials)
    aims.check(
        f"terminate: worst request at most {_WORST_MS:.0f} ms",
        f"{worst:.0f} ms",
        is_met=worst <= _WORST_MS,
    )


def main() -> None:
    """Measure, print the table, and compare with the aims."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--ours", action="store_true", help="leave out the others")
    arguments = parser.parse_args()
    waits = ["--deadline", str(_DEADLINE_SECONDS)]
    print(f"four overlapping reports of 1.5 s, 300 requests/s, median of {arguments.runs}")
    with open_server("embedded") as server:
        template = prepare_database(server)
        print_quiet(server, template)
        with every_way(options=waits) as waiting, every_way(_TERMINATE) as terminating:
            ours = (
                Way(f"{OURS}, wait", waiting[-1].change),
                Way(f"{OURS}, terminate", terminating[-1].change),
            )
            others = [] if arguments.ours else waiting[:-1]
            for way in (*(way for way in others if way.name == STOCK), *ours):
                run_undisturbed(server, template, way)
            trials = measure(server, template, (*others, *ours), arguments.runs)
    print_trials(trials)
    aims = Aims()
    check_waiting(aims, trials[-2])
    check_terminating(aims, trials[-1])
    aims.end()


if __name__ == "__main__":
    main()
