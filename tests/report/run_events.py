"""One event of every kind that a run tells of."""

from datetime import UTC, datetime, timedelta

from safemigrate.execute import (
    Blocker,
    BuildDelayed,
    BuildProgressed,
    BuildRetried,
    HolderEnded,
    HoldersFound,
    HookFinished,
    HookMoment,
    HookPrinted,
    HookStarted,
    LeftoverRemoved,
    LockHolder,
    LockWait,
    LockWaited,
    PlannedRevision,
    RevisionFinished,
    RevisionRetried,
    RevisionStarted,
    RunConfigured,
    RunEvent,
    RunFinished,
    RunnerWaited,
    RunPlanned,
    RunWarned,
    StatementFinished,
    StatementStarted,
    StopRequested,
    TableBusy,
)
from safemigrate.model import Direction, ServerVersion

__all__ = ["BLOCKER", "EVENTS", "FINISHED", "REVISION", "WAIT", "configured", "progressed"]

REVISION = PlannedRevision("1a2b", "add a column")
BLOCKER = Blocker(
    17, "app", "web", "idle in transaction", "client backend", timedelta(seconds=75), "SELECT 1"
)
WAIT = LockWait("orders", "ACCESS EXCLUSIVE", (BLOCKER,))
FINISHED = RevisionFinished(
    REVISION,
    Direction.UPGRADE,
    timedelta(seconds=12),
    3,
    timedelta(seconds=11),
    timedelta(milliseconds=20),
)
SECOND = timedelta(seconds=1)
COMMAND = "./is-it-a-good-moment"
ALTER = "ALTER TABLE orders ADD COLUMN note text"
INDEX = "CREATE INDEX CONCURRENTLY i ON orders (note)"


def configured(*, major: int = 17) -> RunConfigured:
    """Return the settings of a session on a server of this version."""
    return RunConfigured(
        database="shop",
        server_version=ServerVersion(major),
        lock_timeout=timedelta(milliseconds=100),
        statement_timeout=timedelta(),
        idle_in_transaction_session_timeout=timedelta(seconds=60),
        transaction_timeout=timedelta() if major >= 17 else None,
        deadline=timedelta(minutes=5),
        stall_budget=SECOND,
        when_busy="wait",
    )


def progressed(
    percent: int | None,
    *,
    phase: str = "building index: scanning table",
    parts: int = 1,
    wait: LockWait | None = None,
) -> BuildProgressed:
    """Return the progress of a build."""
    return BuildProgressed(
        revision=REVISION,
        statement=INDEX,
        phase=phase,
        percent=percent,
        blocks_done=percent or 0,
        blocks_total=100,
        tuples_done=0,
        tuples_total=0,
        lockers_done=0,
        lockers_total=0,
        part=1,
        parts=parts,
        wait=wait,
    )


EVENTS: tuple[RunEvent, ...] = (
    RunnerWaited(LockHolder(17, "deploy", "safemigrate ci-7", "10.0.0.7", datetime.now(UTC))),
    RunnerWaited(None),
    HookStarted(HookMoment.BEFORE, COMMAND),
    HookPrinted(HookMoment.BEFORE, COMMAND, "it is"),
    HookFinished(HookMoment.BEFORE, COMMAND, 0, SECOND),
    HookFinished(HookMoment.AFTER, COMMAND, None, SECOND),
    RunPlanned(Direction.UPGRADE, (REVISION,), ("0a",)),
    configured(),
    configured(major=16),
    RevisionStarted(REVISION, Direction.UPGRADE, 1, 2),
    StatementStarted(REVISION, 1, ALTER, is_autocommit=False),
    StatementFinished(REVISION, 1, ALTER, SECOND, 2, SECOND, SECOND, (BLOCKER,)),
    StatementFinished(
        REVISION, 2, ALTER, SECOND, 1, timedelta(), timedelta(), (), "deadlock detected", "40P01"
    ),
    LockWaited(REVISION, WAIT),
    TableBusy("orders", "ACCESS EXCLUSIVE", (BLOCKER,), SECOND),
    HolderEnded(BLOCKER, "orders", is_session=True),
    RevisionRetried(REVISION, 2, "lock timeout", WAIT, SECOND),
    RevisionRetried(REVISION, 2, "deadlock", None, SECOND),
    FINISHED,
    BuildDelayed(REVISION, INDEX, WAIT),
    HoldersFound(REVISION, INDEX, (BLOCKER,)),
    progressed(43),
    progressed(None, wait=WAIT),
    LeftoverRemoved(REVISION, "i", "orders", is_own=False),
    BuildRetried(REVISION, INDEX, 1, "deadlock", SECOND),
    StopRequested("SIGTERM"),
    RunWarned("something"),
    RunFinished(Direction.UPGRADE, (FINISHED,), ("1a2b",), SECOND),
)
