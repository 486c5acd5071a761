"""One way of changing the table, tried while the application is served and something is held."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from traffic import Application, Felt, libpq_url
from traffic_blockers import Hold
from traffic_policies import POLICIES, Policy, attempt
from traffic_project import ADD_COLUMN, Done, Project
from traffic_table import Column, print_table

from safemigrate.server import Server

__all__ = [
    "OURS",
    "STOCK",
    "Trial",
    "Way",
    "every_way",
    "print_quiet",
    "print_trials",
    "run_undisturbed",
    "try_way",
]

OURS = "safemigrate upgrade"
STOCK = "alembic upgrade head"
_DURATION = "SELECT duration_ms FROM safemigrate.history WHERE outcome = 'applied'"
_STATEMENT = "ALTER TABLE accounts ADD COLUMN note text"
# The machine is too busy to measure anything when the application alone feels this.
_BUSY_MS = 60
_AFTERMATH_SECONDS = 0.5
_CUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Way:
    """A way of changing the table: it gets a URL and a cut in seconds."""

    name: str
    change: Callable[[str, float], Done]


@dataclass(frozen=True, slots=True)
class Trial:
    """How it went.

    `after`: how long it took from the end of what was held, None without that. `revision_seconds`:
    how long the revision took, all waiting included, by the history in the database; None where
    there is none.
    """

    name: str
    done: Done
    after: float | None
    felt: Felt
    revision_seconds: float | None


@contextmanager
def every_way(settings: str = "", options: Sequence[str] = ()) -> Iterator[list[Way]]:
    """Yield stock Alembic, the replayed policies, and at last ours with these settings."""
    with tempfile.TemporaryDirectory() as name:
        project = Project(Path(name) / "project", ADD_COLUMN, settings=settings)

        def ours(url: str, cut_seconds: float) -> Done:
            return project.safemigrate(url, cut_seconds, *options)

        yield [
            Way(STOCK, project.alembic),
            *(Way(policy.name, _replay(policy)) for policy in POLICIES),
            Way(OURS, ours),
        ]


def _replay(policy: Policy) -> Callable[[str, float], Done]:
    def change(url: str, cut_seconds: float) -> Done:
        began = time.monotonic()
        is_done = attempt(url, policy, _STATEMENT, cut_seconds)
        return Done(0 if is_done else 3, began, time.monotonic(), "")

    return change


def try_way(
    server: Server,
    template: str,
    way: Way,
    block: Callable[[str], AbstractContextManager[Hold | None]],
    cut_seconds: float,
) -> Trial:
    """Change the table of a copy of the template in this way, while it is served and blocked."""
    name = server.copy_database(template)
    url = server.url(name)
    with Application(url) as application, ExitStack() as blocked:
        held = blocked.enter_context(block(url))
        done = way.change(url, cut_seconds)
        time.sleep(_AFTERMATH_SECONDS)
        blocked.close()
        felt = application.stop()
    revision_seconds = _read_duration(url)
    server.drop_database(name)
    after = None if held is None else done.ended - held.ended
    return Trial(way.name, done, after, felt, revision_seconds)


def _read_duration(url: str) -> float | None:
    with psycopg.connect(libpq_url(url)) as connection:
        try:
            row = connection.execute(_DURATION).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
    return None if row is None else float(row[0]) / 1000


def run_undisturbed(server: Server, template: str, way: Way) -> Done:
    """Change the table of a copy of the template with nothing else going on.

    The second of two runs: the first one compiles what it imports.
    """
    for _ in range(2):
        name = server.copy_database(template)
        done = way.change(server.url(name), _CUT_SECONDS)
        server.drop_database(name)
    if done.exit_code:
        raise SystemExit(f"{way.name} ended in {done.exit_code} by itself:\n{done.output}")
    return done


def print_quiet(server: Server, template: str, seconds: float = 3) -> None:
    """Print what the application feels when nothing else goes on."""
    name = server.copy_database(template)
    with Application(server.url(name)) as application:
        time.sleep(seconds)
        felt = application.stop()
    server.drop_database(name)
    print(f"nothing else going on: worst request {felt.worst_ms:.0f} ms, p99 {felt.p99_ms:.1f} ms")
    if felt.worst_ms > _BUSY_MS:
        print("the machine is busy with something else: the numbers below are its, not ours")


COLUMNS = (
    Column("way", -42),
    Column("done", 8),
    Column("after", 8),
    Column("worst", 9),
    Column("p99", 9),
    Column(">100 ms", 7),
    Column(">1 s", 6),
    Column("errors", 6),
)


def print_trials(runs: Sequence[Sequence[Trial]]) -> None:
    """Print a row for each way: the medians of its trials."""
    print_table(COLUMNS, [_row(trials) for trials in runs])


def _row(trials: Sequence[Trial]) -> tuple[str, ...]:
    median = statistics.median
    is_done = all(trial.done.exit_code == 0 for trial in trials)
    seconds = median(trial.done.seconds for trial in trials)
    afters = [trial.after for trial in trials if trial.after is not None]
    felts = [trial.felt for trial in trials]
    return (
        trials[0].name,
        f"{seconds:.1f} s" if is_done else "never",
        f"{median(afters):+.2f} s" if is_done and afters else "",
        f"{median(felt.worst_ms for felt in felts):.0f} ms",
        f"{median(felt.p99_ms for felt in felts):.0f} ms",
        f"{median(felt.slow for felt in felts):.0f}",
        f"{median(felt.very_slow for felt in felts):.0f}",
        f"{median(len(felt.errors) for felt in felts):.0f}",
    )
