"""What became of each target, and of all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Protocol

from safemigrate.errors import ExitCode
from safemigrate.execute.fleet.target import Target

__all__ = [
    "Carrier",
    "FleetEvent",
    "FleetProgress",
    "FleetReport",
    "FleetStopped",
    "TargetFinished",
    "TargetOutcome",
    "TargetResult",
    "TargetSaid",
    "TargetStarted",
]


class TargetOutcome(Enum):
    """What became of a target."""

    DONE = "done"
    NOTHING = "nothing to do"
    FAILED = "failed"
    UNUSABLE = "unusable"
    GAVE_UP = "gave up"
    STOPPED = "stopped"
    PART_WAY = "part-way"
    NOT_STARTED = "not started"

    @property
    def has_succeeded(self) -> bool:
        """Whether the target is where it was to be brought."""
        return self in {TargetOutcome.DONE, TargetOutcome.NOTHING}


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What became of one target.

    `applied`: the revisions that were committed, in order. `current`: where it is now; None when
    that was not told. `stalled`: how long the application may have had to wait; None when that
    was not told. `error` and `hint`: why it was not done. `has_begun`: whether it came so far that
    it may have changed something.
    """

    target: Target
    outcome: TargetOutcome
    exit_code: ExitCode = ExitCode.DONE
    applied: tuple[str, ...] = ()
    current: tuple[str, ...] | None = None
    duration: timedelta = timedelta()
    stalled: timedelta | None = None
    error: str = ""
    hint: str = ""
    has_begun: bool = True

    @property
    def has_failed(self) -> bool:
        """Whether it counts as a failure: it was begun, and did not end by itself in success.

        One that gave up while another runner was ahead says nothing about the others.
        """
        if self.outcome is TargetOutcome.GAVE_UP:
            return self.has_begun
        return not self.outcome.has_succeeded and self.outcome not in {
            TargetOutcome.NOT_STARTED,
            TargetOutcome.STOPPED,
        }


# From the worst to the best; see `FleetReport.exit_code`.
_WORST_FIRST = (
    ExitCode.PART_WAY,
    ExitCode.FINDINGS,
    ExitCode.USAGE,
    ExitCode.GAVE_UP,
)


@dataclass(frozen=True, slots=True)
class FleetReport:
    """What became of all targets, in the order they were given.

    `stop_reason`: why not all of them were begun, "" when they were.
    """

    results: tuple[TargetResult, ...]
    duration: timedelta
    stop_reason: str = ""

    @property
    def exit_code(self) -> ExitCode:
        """The worst of all: 4, then 1, then 2, then 3; 0 when every target is done."""
        codes = {one.exit_code for one in self.results}
        return next((code for code in _WORST_FIRST if code in codes), ExitCode.DONE)


@dataclass(frozen=True, slots=True)
class TargetStarted:
    """A target is begun; `is_canary`: the others wait for it."""

    target: Target
    is_canary: bool


@dataclass(frozen=True, slots=True)
class TargetSaid:
    """A line for whoever watches, or an event of the run on that target, as JSON.

    Exactly one of the two is there; the other is empty.
    """

    target: Target
    line: str = ""
    event: bytes = b""


@dataclass(frozen=True, slots=True)
class TargetFinished:
    """A target has ended; `position` of `count` have now, from 1 on."""

    result: TargetResult
    position: int
    count: int


@dataclass(frozen=True, slots=True)
class FleetStopped:
    """No further target is begun."""

    reason: str


FleetEvent = TargetStarted | TargetSaid | TargetFinished | FleetStopped

# Called from any thread, never from two at once.
FleetProgress = Callable[[FleetEvent], None]


class Carrier(Protocol):
    """Whoever brings a target where it is to go: here by a process, one day on another machine."""

    def carry(self, target: Target, report: FleetProgress) -> TargetResult:
        """Return what became of it, when it has ended; called from a thread for each target.

        After `stop` it begins nothing, and returns a result that is `NOT_STARTED`.
        """

    def stop(self) -> None:
        """Ask all that is under way to end soon where it can be gone on with; does not wait."""
