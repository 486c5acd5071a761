"""What became of the traffic: how long statements took, waited, and which errors they met."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

__all__ = ["Phase", "Record", "Share", "Wait", "summarize"]


class Phase(Enum):
    """Where the revision is while a statement of the application ends."""

    BEFORE = auto()
    DURING = auto()
    AFTER = auto()


@dataclass(frozen=True, slots=True)
class Wait:
    """A statement of the application that was seen waiting for a lock of the revision.

    `command`: its name. `relation`: the table whose lock it is, None for a row's. `waited_ms`: by
    the server's clock. `running`: what the revision was doing, or had just done, as the server
    tells it.
    """

    command: str
    relation: str | None
    waited_ms: float
    running: str


@dataclass(slots=True)
class Share:
    """What one worker has done so far: how long each command took, and how often it failed."""

    times_ms: dict[tuple[Phase, str], list[float]] = field(default_factory=dict)
    errors: Counter[tuple[Phase, str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Record:
    """What was measured of the traffic of all workers.

    `times_ms`: of each command, those that ended while the revision ran, in ascending order.
    `errors`: how often a command failed with an SQLSTATE while the revision ran, where it does not
    fail so before or after. `useless`: commands that fail without the revision, and how.
    `lost`: commands that fail once it has run, and how. `proven`: commands that the server took
    before the revision.
    """

    times_ms: Mapping[str, tuple[float, ...]]
    waits: tuple[Wait, ...]
    errors: Mapping[tuple[str, str], int]
    useless: Mapping[str, str]
    lost: Mapping[str, str]
    proven: frozenset[str]

    @property
    def worst_wait(self) -> Wait | None:
        """The longest wait for a lock of the revision."""
        return max(self.waits, key=lambda wait: wait.waited_ms, default=None)

    @property
    def worst_wait_ms(self) -> float:
        """How long it took, 0 where nothing was seen waiting."""
        return self.worst_wait.waited_ms if self.worst_wait is not None else 0.0

    def p99_ms(self, command: str | None = None) -> float:
        """Return how long all but the slowest hundredth took, of a command or of all of them."""
        times = sorted(
            time
            for name, measured in self.times_ms.items()
            if command in {None, name}
            for time in measured
        )
        return times[max(0, -(-len(times) * 99 // 100) - 1)] if times else 0.0


def summarize(shares: Iterable[Share], waits: Iterable[Wait]) -> Record:
    """Return what the workers' shares say together."""
    times: dict[str, list[float]] = {}
    errors: Counter[tuple[Phase, str, str]] = Counter()
    proven: set[str] = set()
    for share in shares:
        errors.update(share.errors)
        for (phase, name), measured in share.times_ms.items():
            if phase is Phase.BEFORE:
                proven.add(name)
            if phase is Phase.DURING:
                times.setdefault(name, []).extend(measured)
    useless = dict(_states(errors, Phase.BEFORE))
    lost = {name: state for name, state in _states(errors, Phase.AFTER) if name not in useless}
    during = {
        (name, state): count
        for (phase, name, state), count in errors.items()
        if phase is Phase.DURING and state not in {useless.get(name), lost.get(name)}
    }
    return Record(
        {name: tuple(sorted(measured)) for name, measured in sorted(times.items())},
        tuple(sorted(waits, key=lambda wait: -wait.waited_ms)),
        during,
        useless,
        lost,
        frozenset(proven),
    )


def _states(
    errors: Mapping[tuple[Phase, str, str], int], wanted: Phase
) -> Iterator[tuple[str, str]]:
    return ((name, state) for phase, name, state in errors if phase is wanted)
