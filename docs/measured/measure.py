"""Measure what the plots of the documentation show, on an embedded server, and write it down.

    python -m docs.measured.measure [--repeats 3] [--rows 1000000] [--only NAME] [--to FOLDER]

It takes about two and a half minutes. The numbers are medians; measure on a machine that does
nothing else.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from docs.measured import constraints, hot_table, index_build, table_size
from docs.measured.figures import FOLDER, write_experiment
from docs.measured.ground import Ground
from safemigrate.server import open_server

__all__ = ["EXPERIMENTS", "main"]

EXPERIMENTS = {module.NAME: module for module in (hot_table, index_build, constraints, table_size)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the experiments asked for, all of them unless some are named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--held-seconds", type=float, default=3, help="of a reader, from when a migration comes"
    )
    parser.add_argument("--calm-seconds", type=float, default=0.5, help="before and after")
    parser.add_argument("--only", choices=EXPERIMENTS, action="append")
    parser.add_argument("--to", type=Path, default=FOLDER, help="where the JSON files go")
    options = parser.parse_args(arguments)
    with open_server("embedded") as server:
        ground = Ground(
            server, options.rows, options.repeats, options.held_seconds, options.calm_seconds
        )
        for name in options.only or EXPERIMENTS:
            began = time.monotonic()
            path = write_experiment(EXPERIMENTS[name].measure(ground), options.to)
            sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s, {path}\n")


if __name__ == "__main__":
    main()
