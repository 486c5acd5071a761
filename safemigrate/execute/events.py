"""What a run tells whoever watches it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from safemigrate.execute.blockers import LockWait
from safemigrate.execute.deploylock import LockHolder
from safemigrate.model import Direction

__all__ = [
    "LockWaited",
    "PlannedRevision",
    "Progress",
    "RevisionFinished",
    "RevisionRetried",
    "RevisionStarted",
    "RunEvent",
    "RunFinished",
    "RunPlanned",
    "RunWarned",
    "RunnerWaited",
    "StopRequested",
]


@dataclass(frozen=True, slots=True)
class PlannedRevision:
    """A revision that is going to run."""

    revision: str
    message: str


@dataclass(frozen=True, slots=True)
class RunnerWaited:
    """Another runner holds the deploy lock, and this one waits; None when it cannot be seen."""

    holder: LockHolder | None


@dataclass(frozen=True, slots=True)
class RunPlanned:
    """The deploy lock is held and the database has been looked at; nothing was changed yet."""

    direction: Direction
    revisions: tuple[PlannedRevision, ...]
    heads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RevisionStarted:
    """A revision begins; `position` counts from 1 to `count`."""

    revision: PlannedRevision
    direction: Direction
    position: int
    count: int


@dataclass(frozen=True, slots=True)
class LockWaited:
    """A statement of the revision stands in the queue of a lock."""

    revision: PlannedRevision
    wait: LockWait


@dataclass(frozen=True, slots=True)
class RevisionRetried:
    """An attempt was given up and rolled back; the next one follows after the pause.

    `attempt`: the 1-based number of the one that failed. `reason`: in words.
    `wait`: what it waited for, where that was seen.
    """

    revision: PlannedRevision
    attempt: int
    reason: str
    wait: LockWait | None
    pause: timedelta


@dataclass(frozen=True, slots=True)
class RevisionFinished:
    """A revision is committed.

    `duration`: from its first attempt on. `waited`: the part that went into attempts given up
    and pauses.
    """

    revision: PlannedRevision
    direction: Direction
    duration: timedelta
    attempts: int
    waited: timedelta


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A signal came in; the run stops at the next point where nothing is lost."""

    signal: str


@dataclass(frozen=True, slots=True)
class RunWarned:
    """Something the operator should know that does not stop the run."""

    text: str


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Everything that was asked for is done; `heads` was read back from the database."""

    direction: Direction
    applied: tuple[RevisionFinished, ...]
    heads: tuple[str, ...]
    duration: timedelta


RunEvent = (
    RunnerWaited
    | RunPlanned
    | RevisionStarted
    | LockWaited
    | RevisionRetried
    | RevisionFinished
    | StopRequested
    | RunWarned
    | RunFinished
)

# Called from the thread that runs, and from the one that watches it, never from both at once.
Progress = Callable[[RunEvent], None]
