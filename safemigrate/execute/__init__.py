"""The runner: the deploy lock, lock timeouts and retries, one transaction a revision."""

from safemigrate.execute.blockers import Blocker, LockWait
from safemigrate.execute.clearance import Check, Clearance, Inquiry
from safemigrate.execute.deploylock import LockHolder
from safemigrate.execute.events import (
    LockWaited,
    PlannedRevision,
    Progress,
    RevisionFinished,
    RevisionRetried,
    RevisionStarted,
    RunEvent,
    RunFinished,
    RunnerWaited,
    RunPlanned,
    RunWarned,
    StopRequested,
)
from safemigrate.execute.outcome import (
    describe_blocker,
    describe_duration,
    describe_holder,
    describe_wait,
)
from safemigrate.execute.runner import RunReport, run_downgrade, run_upgrade
from safemigrate.execute.settings import RunSettings, Timing
from safemigrate.execute.standing import (
    HistoryLine,
    InvalidIndex,
    PartialRevision,
    Standing,
    UnvalidatedConstraint,
    read_history,
    read_standing,
)

__all__ = [
    "Blocker",
    "Check",
    "Clearance",
    "HistoryLine",
    "Inquiry",
    "InvalidIndex",
    "LockHolder",
    "LockWait",
    "LockWaited",
    "PartialRevision",
    "PlannedRevision",
    "Progress",
    "RevisionFinished",
    "RevisionRetried",
    "RevisionStarted",
    "RunEvent",
    "RunFinished",
    "RunPlanned",
    "RunReport",
    "RunSettings",
    "RunWarned",
    "RunnerWaited",
    "Standing",
    "StopRequested",
    "Timing",
    "UnvalidatedConstraint",
    "describe_blocker",
    "describe_duration",
    "describe_holder",
    "describe_wait",
    "read_history",
    "read_standing",
    "run_downgrade",
    "run_upgrade",
]
