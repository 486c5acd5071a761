"""A history divided into parts that are walked at the same time, each on a core of its own."""

import re
from collections.abc import Iterator, Sequence

from alembic.script import Script

from safemigrate.forks import count_cores
from safemigrate.verify.selection import read_source
from safemigrate.verify.walking import Part, Task

__all__ = ["divide"]

# What one database cannot have without the others of its server having it too.
_SHARED = re.compile(
    r"\b(?:CREATE|ALTER|DROP)\s+(?:DATABASE|GROUP|ROLE|SUBSCRIPTION|SYSTEM|TABLESPACE|USER)\b"
    r"|\b(?:DROP|REASSIGN)\s+OWNED\b|\bpg_replication_|\bpg_\w*advisory_",
    re.IGNORECASE,
)
# What it takes to be worth another process.
_LEAST = 8
_LEAST_WITH_EXPERIMENTS = 2
# How long a revision takes that is only applied, and one of the round trip, where 1 is a proof.
_APPLIED = 0.15
_ROUND = 0.3
_ACCURACY = 0.5


def divide(
    task: Task, way: Sequence[Script], chosen: frozenset[str], *, has_round_trip: bool
) -> list[Part]:
    """Return the parts in order, so that walking each takes about the same time; one at least.

    `way`: the revisions that are to be applied, in order; `chosen`: those of them to be proved.
    One where a revision changes what all databases of a server share, as far as its text says: the
    walks would be in each other's way.
    """
    places = [place for place, script in enumerate(way) if script.revision in chosen]
    least = _LEAST_WITH_EXPERIMENTS if task.has_experiments else _LEAST
    most = min(count_cores(), len(places) // least)
    if most > 1 and any(map(_is_shared, way)):
        most = 1
    applied = 0.0 if task.has_experiments else _APPLIED
    extra = _ROUND * len(way) if has_round_trip and not task.has_experiments else 0.0
    counts = _share(len(places), most, applied, extra)
    return list(_cut(way, chosen, places, counts))


def _is_shared(script: Script) -> bool:
    return _SHARED.search(read_source(script.path)) is not None


def _share(total: int, parts: int, applied: float, extra: float) -> list[int]:
    """Return how many of `total` revisions each part proves.

    One that comes later applies what comes before, at `applied` each; the last has `extra` to do.
    """
    if parts < 2:  # noqa: PLR2004 - nothing to share
        return [total]
    least, most = 0.0, total * 2 + extra
    while most - least > _ACCURACY:
        middle = (least + most) / 2
        if sum(_take(middle, parts, applied, extra)) < total:
            least = middle
        else:
            most = middle
    *first, _ = _take(most, parts, applied, extra)
    counts = [round(one) for one in first]
    return [*counts, max(0, total - sum(counts))]


def _take(time: float, parts: int, applied: float, extra: float) -> list[float]:
    """Return how much each part proves in that time."""
    taken: list[float] = []
    for part in range(parts):
        left = time - applied * sum(taken) - (extra if part == parts - 1 else 0)
        taken.append(max(0.0, left))
    return taken


def _cut(
    way: Sequence[Script], chosen: frozenset[str], places: Sequence[int], counts: Sequence[int]
) -> Iterator[Part]:
    """Yield a part for each number of revisions to be proved."""
    start, proved = 0, 0
    for number, count in enumerate(counts):
        proved += count
        is_last = number == len(counts) - 1
        stop = len(way) if is_last or proved >= len(places) else places[proved]
        scripts = way[start:stop]
        yield Part(way[:start], scripts, chosen.intersection(one.revision for one in scripts))
        start = stop
