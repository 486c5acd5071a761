"""Verify of one new revision on top of a long history, with and without what earlier runs kept.

Each time one more revision is written, and proved by `safemigrate verify REVISION` as a whole
process, its embedded server started in it. Warm: an earlier run has left what is kept; beside it
the same with --no-cache, which replays the history. In turn, and the ratios are taken pair by pair.

    .venv/bin/python benchmarks/verify_one_more.py [--revisions 300] [--runs 5] [--select schema]
"""

import argparse
import sys
import tempfile
from pathlib import Path

from lint_history import Bench, show, show_ratio

# What stands in the history so that each revision has a table of its own to work on.
_GROUP = 5
_AIM_SECONDS = 2.0


def prove(bench: Bench, options: list[str], *more: str) -> float:
    """Return the seconds that proving the newest revision takes."""
    newest = f"{bench.count - 1:04}"
    command = [sys.executable, "-m", "safemigrate", "verify", "--quiet", newest, *options, *more]
    return bench.time(command)


def add_revision(bench: Bench) -> None:
    """Write one more revision; what narrows a column on the way down is left out as no good."""
    while True:
        bench.add_revision()
        if bench.count % _GROUP:
            return


def measure(bench: Bench, runs: int, options: list[str]) -> None:
    """Print the figures."""
    print(f"one more on {bench.count} revisions, median of {runs} runs, whole processes")
    first = prove(bench, options)
    show("the first time, which leaves what is kept", [first])
    warm, cold = [], []
    for _ in range(runs):
        add_revision(bench)
        warm.append(prove(bench, options))
        cold.append(prove(bench, options, "--no-cache"))
    show("safemigrate verify REVISION, warm", warm)
    show("safemigrate verify REVISION --no-cache", cold)
    show_ratio("warm / --no-cache", warm, cold, "less than 1")
    again = [prove(bench, options) for _ in range(runs)]
    show("the same again, nothing changed", again)
    print(f"{'aim of warm':52}{_AIM_SECONDS:8.2f} s")


def main() -> None:
    """Measure a history with a cache of its own, where the server's account may read it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--revisions", type=int, default=300)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--select", action="append", default=[])
    arguments = parser.parse_args()
    options = [part for name in arguments.select for part in ("--select", name)]
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        folder = Path(name, "history")
        folder.mkdir()
        bench = Bench(folder, arguments.revisions)
        measure(bench, arguments.runs, options)


if __name__ == "__main__":
    main()
