"""Constraints added to a table in use: at once, and in two steps."""

from statistics import median

from docs.measured.application import find_worst
from docs.measured.figures import Bar, Experiment
from docs.measured.ground import Ground, prepare_accounts
from docs.measured.ways import Way, try_way

__all__ = ["NAME", "WAYS", "measure"]

NAME = "constraints"
_CHECK = "CHECK (balance >= 0)"
_KEY = "FOREIGN KEY (owner_id) REFERENCES owners"
_FILLED = "CHECK (holder IS NOT NULL)"
_TABLE = "ALTER TABLE accounts"
_DROP = (f"{_TABLE} DROP CONSTRAINT c",)
_VALIDATE = f"{_TABLE} VALIDATE CONSTRAINT c"
_NULLABLE = (f"{_TABLE} ALTER COLUMN holder DROP NOT NULL",)


def _add(constraint: str) -> str:
    return f"{_TABLE} ADD CONSTRAINT c {constraint}"


WAYS = (
    Way("CHECK", "at once", (_add(_CHECK),), _DROP),
    Way("CHECK", "NOT VALID, then VALIDATE", (_add(f"{_CHECK} NOT VALID"), _VALIDATE), _DROP),
    Way("FOREIGN KEY", "at once", (_add(_KEY),), _DROP),
    Way("FOREIGN KEY", "NOT VALID, then VALIDATE", (_add(f"{_KEY} NOT VALID"), _VALIDATE), _DROP),
    Way("SET NOT NULL", "at once", (f"{_TABLE} ALTER COLUMN holder SET NOT NULL",), _NULLABLE),
    Way(
        "SET NOT NULL",
        "after a validated CHECK",
        (
            _add(f"{_FILLED} NOT VALID"),
            _VALIDATE,
            f"{_TABLE} ALTER COLUMN holder SET NOT NULL",
            *_DROP,
        ),
        _NULLABLE,
    ),
)


def measure(ground: Ground) -> Experiment:
    """Return what the application felt at worst, for each constraint and way."""
    name = prepare_accounts(ground.server, ground.rows)
    url = ground.server.url(name)
    bars = tuple(_measure_way(url, way, ground) for way in WAYS)
    ground.server.drop_database(name)
    return Experiment(version=1, name=NAME, about=ground.describe(), bars=bars)


def _measure_way(url: str, way: Way, ground: Ground) -> Bar:
    trials = [try_way(ground, url, way) for _ in range(ground.repeats)]
    reads = [find_worst(trial.requests, is_write=False) for trial in trials]
    writes = [find_worst(trial.requests, is_write=True) for trial in trials]
    return Bar(
        group=way.group,
        title=way.title,
        worst_read_ms=round(median(reads), 1),
        worst_write_ms=round(median(writes), 1),
        took_ms=round(median(trial.took_ms for trial in trials), 1),
    )
