"""What a run tells whoever watches it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from safemigrate.execute.blockers import Blocker, LockWait, shorten_query
from safemigrate.execute.deploylock import LockHolder
from safemigrate.model import Direction, ServerVersion

__all__ = [
    "BuildDelayed",
    "BuildEvent",
    "BuildProgressed",
    "BuildRetried",
    "HolderEnded",
    "HoldersFound",
    "HookFinished",
    "HookMoment",
    "HookPrinted",
    "HookStarted",
    "LeftoverRemoved",
    "LockWaited",
    "PlannedRevision",
    "Progress",
    "RevisionFinished",
    "RevisionRetried",
    "RevisionStarted",
    "RunConfigured",
    "RunEvent",
    "RunFinished",
    "RunPlanned",
    "RunWarned",
    "RunnerWaited",
    "StatementFinished",
    "StatementStarted",
    "StopRequested",
    "TableBusy",
]


# More than is shown of it; the rest may be as long as a table.
_MOST_OF_A_STATEMENT = 1000


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
class RunConfigured:
    """What the session of the migrations goes by, as the server says; nothing was changed yet.

    The timeouts are zero where there is none; `transaction_timeout` is None before version 17.
    `deadline`: how long all waiting of the run may take. `stall_budget`: how long the run may hold
    up one table. `when_busy`: what it does about a table that is never free.
    """

    database: str
    server_version: ServerVersion
    lock_timeout: timedelta
    statement_timeout: timedelta
    idle_in_transaction_session_timeout: timedelta
    transaction_timeout: timedelta | None
    deadline: timedelta
    stall_budget: timedelta
    when_busy: str


@dataclass(frozen=True, slots=True)
class RevisionStarted:
    """A revision begins; `position` counts from 1 to `count`."""

    revision: PlannedRevision
    direction: Direction
    position: int
    count: int


@dataclass(frozen=True, slots=True)
class StatementStarted:
    """A statement of the revision is taken to the server.

    `ordinal`: counts from 1 in every attempt. `sql`: the whole text, with `$1` for bound values; it
    may hold what nobody should read, `statement` does not.
    """

    revision: PlannedRevision
    ordinal: int
    sql: str
    is_autocommit: bool

    @property
    def statement(self) -> str:
        """The first 80 characters on one line, without passwords."""
        return shorten_query(self.sql[:_MOST_OF_A_STATEMENT])


@dataclass(frozen=True, slots=True)
class StatementFinished:
    """A statement of the revision is over.

    `sql` and `statement` are as when it started. `waited`: beside the queue of a lock. `stalled`:
    for how long others may have had to wait for it. `error`: what the server said, "" when it
    succeeded; `sqlstate`: its code, "" where there is none.
    """

    revision: PlannedRevision
    ordinal: int
    sql: str
    duration: timedelta
    attempts: int
    waited: timedelta
    stalled: timedelta
    blockers: tuple[Blocker, ...] = ()
    error: str = ""
    sqlstate: str = ""

    @property
    def statement(self) -> str:
        """The first 80 characters on one line, without passwords."""
        return shorten_query(self.sql[:_MOST_OF_A_STATEMENT])


@dataclass(frozen=True, slots=True)
class LockWaited:
    """A statement of the revision stands in the queue of a lock."""

    revision: PlannedRevision
    wait: LockWait


@dataclass(frozen=True, slots=True)
class TableBusy:
    """The run waits, beside the queue, for a relation to be free; the application does not wait.

    `relation`: as PostgreSQL prints it. `mode`: of the lock that is wanted on it. `waited`: so far.
    """

    relation: str
    mode: str
    holders: tuple[Blocker, ...]
    waited: timedelta


@dataclass(frozen=True, slots=True)
class HolderEnded:
    """The statement of a listed session was cancelled, or the session ended, for a lock."""

    holder: Blocker
    relation: str
    is_session: bool


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

    `duration`: from its first attempt on. `waited`: the part that went into attempts given up,
    pauses, and waiting beside the queue. `stalled`: for how long others may have had to wait for
    it, in queues and for locks that it held.
    """

    revision: PlannedRevision
    direction: Direction
    duration: timedelta
    attempts: int
    waited: timedelta
    stalled: timedelta = timedelta()


class HookMoment(Enum):
    """When a hook runs: before the first revision, or when the run is over."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class HookStarted:
    """A shell command of the project's begins; it is without passwords here."""

    moment: HookMoment
    command: str


@dataclass(frozen=True, slots=True)
class HookPrinted:
    """A hook wrote a line, to either of its streams."""

    moment: HookMoment
    command: str
    line: str


@dataclass(frozen=True, slots=True)
class HookFinished:
    """A hook ended; `exit_code` is None when it was ended by us, or could not be started."""

    moment: HookMoment
    command: str
    exit_code: int | None
    duration: timedelta


@dataclass(frozen=True, slots=True)
class BuildDelayed:
    """A build has not begun, because others are at work on its table.

    `statement`: its first characters. `wait`: for whom; two builds at once would end in a deadlock.
    """

    revision: PlannedRevision
    statement: str
    wait: LockWait


@dataclass(frozen=True, slots=True)
class HoldersFound:
    """A build is about to begin, and will wait for these before it is done.

    `holders`: sessions with an old snapshot, or with a lock on the table that keeps it.
    """

    revision: PlannedRevision
    statement: str
    holders: tuple[Blocker, ...]


@dataclass(frozen=True, slots=True)
class BuildProgressed:
    """A build has come to another phase, or on in it.

    `phase`: in the words of the manual, such as `building index: scanning table`. `percent`: of
    the phase, None where it has no measure. What is counted is zero where nothing is.
    `part`, `parts`: which partition it is, from 1, and of how many; 1 of 1 for a plain table.
    `wait`: for whom it waits, None when it works.
    """

    revision: PlannedRevision
    statement: str
    phase: str
    percent: int | None
    blocks_done: int
    blocks_total: int
    tuples_done: int
    tuples_total: int
    lockers_done: int
    lockers_total: int
    part: int
    parts: int
    wait: LockWait | None


@dataclass(frozen=True, slots=True)
class LeftoverRemoved:
    """What an interrupted build had left is gone.

    `relation`: the INVALID index that was dropped, or the partition whose detaching was finished;
    `table`: whose it was; both as they are written in SQL. `is_own`: this run had left it.
    """

    revision: PlannedRevision
    relation: str
    table: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class BuildRetried:
    """A build failed in a way that may pass, was cleared up, and is tried again after the pause.

    `attempt`: the 1-based number of the one that failed. `reason`: in words.
    """

    revision: PlannedRevision
    statement: str
    attempt: int
    reason: str
    pause: timedelta


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


BuildEvent = BuildDelayed | HoldersFound | BuildProgressed | LeftoverRemoved | BuildRetried

RunEvent = (
    RunnerWaited
    | HookStarted
    | HookPrinted
    | HookFinished
    | RunPlanned
    | RunConfigured
    | RevisionStarted
    | StatementStarted
    | StatementFinished
    | LockWaited
    | TableBusy
    | HolderEnded
    | RevisionRetried
    | RevisionFinished
    | BuildEvent
    | StopRequested
    | RunWarned
    | RunFinished
)

# Called from the thread that runs, and from the one that watches it, never from both at once.
Progress = Callable[[RunEvent], None]
