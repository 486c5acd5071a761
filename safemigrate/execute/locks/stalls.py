"""The stall: for how long the application may have had to wait for the run, table by table."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from safemigrate.model import LockMode, QualifiedName

__all__ = ["Footing", "StallBook"]


@dataclass(slots=True, eq=False)
class Footing:
    """What a transaction of the migrations holds, as far as the application feels it.

    `modes`: the locks that were taken for it. `had`: since when each relation is locked, by the
    clock. `has_row_locks`: it has changed rows that others may want to change.
    `timeout_ms`: the lock_timeout it was given by us, None for the session's.
    `saved`: what it held at each savepoint, by its name.
    """

    modes: dict[QualifiedName, LockMode] = field(default_factory=dict)
    had: dict[QualifiedName, float] = field(default_factory=dict)
    has_row_locks: bool = False
    timeout_ms: int | None = None
    saved: "dict[str, Footing]" = field(default_factory=dict)

    def save(self, name: str) -> None:
        """Be told of a savepoint."""
        self.saved[name] = replace(
            self, modes=dict(self.modes), had=dict(self.had), saved=dict(self.saved)
        )

    def roll_back_to(self, name: str) -> frozenset[QualifiedName]:
        """Be told that what was done since the savepoint is undone; return what is let go."""
        known = self.saved.get(name)
        if known is None:
            return frozenset()
        dropped = frozenset(self.had.keys() - known.had.keys())
        self.modes, self.had = dict(known.modes), dict(known.had)
        self.has_row_locks, self.timeout_ms = known.has_row_locks, known.timeout_ms
        return dropped

    def hold(self, relation: QualifiedName, mode: LockMode, since: float) -> None:
        """Be told of a lock that the transaction has."""
        known = self.modes.get(relation)
        if known is None or known < mode:
            self.modes[relation] = mode
        self.had.setdefault(relation, since)

    def has(self, relation: QualifiedName, mode: LockMode) -> bool:
        """Return whether the transaction holds that much, or more."""
        known = self.modes.get(relation)
        return known is not None and known >= mode

    def held(self, now: float) -> Mapping[QualifiedName, float]:
        """Return for how long each relation is locked by now, in seconds."""
        return {relation: now - since for relation, since in self.had.items()}

    def clear(self) -> None:
        """Be told that the locks are given back."""
        self.modes.clear()
        self.had.clear()


class StallBook:
    """How long each table was held up in the whole run, and what of it is left.

    Both the time in a lock's queue and the time for which it is held are taken out of the budget:
    to whoever waits they are the same. How long a lock is needed once it is had no waiting can
    change; what has been held for long is queued for less from then on. `held`: the seconds for
    which locks were held since this was last taken. `told`: the relations of which it was said that
    nothing is left.
    """

    def __init__(self, limit: timedelta) -> None:
        self.limit = limit.total_seconds()
        self.held = 0.0
        self.told: set[QualifiedName] = set()
        self._spent: defaultdict[QualifiedName, float] = defaultdict(float)

    def left(self, relations: Iterable[QualifiedName]) -> float:
        """Return the seconds for which the run may yet stand in the queues of these."""
        spent = max((self._spent.get(one, 0.0) for one in relations), default=0.0)
        return max(self.limit - spent, 0.0)

    def add_queued(self, relation: QualifiedName, seconds: float) -> None:
        """Count time in the queue of a relation's lock."""
        self._spent[relation] += seconds

    def add_held(self, times: Mapping[QualifiedName, float]) -> None:
        """Count the seconds for which one transaction held locks, by relation."""
        for relation, seconds in times.items():
            self._spent[relation] += seconds
        # they were held at the same time
        self.held += max(times.values(), default=0.0)

    def take_held(self) -> float:
        """Return `held`, which begins anew."""
        held, self.held = self.held, 0.0
        return held
