"""The lines of the JSON stream of a run, as typed structs.

A name here is a name in the stream, which other people's scripts read: within one version of the
format none changes its meaning and none goes away.
"""

from datetime import datetime

from msgspec import Struct

from safemigrate.report.event_parts import (
    AppliedDocument,
    BlockerDocument,
    ErrorDocument,
    RevisionDocument,
    RunnerDocument,
    WaitDocument,
)

__all__ = [
    "VERSION",
    "BuildDelayedLine",
    "BuildProgressedLine",
    "BuildRetriedLine",
    "FailedLine",
    "FinishedLine",
    "HolderEndedLine",
    "HoldersFoundLine",
    "HookFinishedLine",
    "HookPrintedLine",
    "HookStartedLine",
    "LeftoverRemovedLine",
    "Line",
    "LockWaitedLine",
    "RevisionFinishedLine",
    "RevisionRetriedLine",
    "RevisionStartedLine",
    "RunConfiguredLine",
    "RunPlannedLine",
    "RunWarnedLine",
    "RunnerWaitedLine",
    "StatementFinishedLine",
    "StatementStartedLine",
    "StopRequestedLine",
    "TableBusyLine",
]

VERSION = 1


class Line(Struct, frozen=True, kw_only=True, tag_field="event"):
    """What every line has, beside the name of its event."""

    version: int = VERSION
    at: datetime


class RunnerWaitedLine(Line, frozen=True, kw_only=True, tag="runner_waited"):
    """Another runner is ahead; `runner` is null when it cannot be seen."""

    runner: RunnerDocument | None


class HookStartedLine(Line, frozen=True, kw_only=True, tag="hook_started"):
    """A shell command begins; `moment` is before or after."""

    moment: str
    command: str


class HookPrintedLine(Line, frozen=True, kw_only=True, tag="hook_printed"):
    """A shell command wrote a line."""

    moment: str
    command: str
    text: str


class HookFinishedLine(Line, frozen=True, kw_only=True, tag="hook_finished"):
    """A shell command is over; `exit_code` is null when it was ended, or did not start."""

    moment: str
    command: str
    exit_code: int | None
    duration_ms: int


class RunPlannedLine(Line, frozen=True, kw_only=True, tag="run_planned"):
    """What is going to run, and where the database is."""

    direction: str
    revisions: tuple[RevisionDocument, ...]
    current: tuple[str, ...]


class RunConfiguredLine(Line, frozen=True, kw_only=True, tag="run_configured"):
    """The timeouts that the server goes by, zero for none; null where it has no such setting."""

    database: str
    server_version: str
    lock_timeout_ms: int
    statement_timeout_ms: int
    idle_in_transaction_session_timeout_ms: int
    transaction_timeout_ms: int | None
    deadline_ms: int
    stall_budget_ms: int
    when_busy: str


class RevisionStartedLine(Line, frozen=True, kw_only=True, tag="revision_started"):
    """A revision begins; `position` counts from 1 to `count`."""

    revision: str
    message: str
    direction: str
    position: int
    count: int


class StatementStartedLine(Line, frozen=True, kw_only=True, tag="statement_started"):
    """A statement is taken to the server; `ordinal` counts from 1 in every attempt."""

    revision: str
    ordinal: int
    statement: str
    is_autocommit: bool


class StatementFinishedLine(Line, frozen=True, kw_only=True, tag="statement_finished"):
    """A statement is over; `error` and `sqlstate` are null when it succeeded."""

    revision: str
    ordinal: int
    statement: str
    duration_ms: int
    attempts: int
    waited_ms: int
    stalled_ms: int
    blockers: tuple[BlockerDocument, ...]
    error: str | None
    sqlstate: str | None


class LockWaitedLine(Line, frozen=True, kw_only=True, tag="lock_waited"):
    """A statement stands in the queue of a lock."""

    revision: str
    wait: WaitDocument


class TableBusyLine(Line, frozen=True, kw_only=True, tag="table_busy"):
    """The run waits beside the queue of a lock, and nobody waits for it."""

    relation: str
    mode: str
    holders: tuple[BlockerDocument, ...]
    waited_ms: int


class HolderEndedLine(Line, frozen=True, kw_only=True, tag="holder_ended"):
    """A listed session was ended for a lock, or its statement where `is_session` is false."""

    holder: BlockerDocument
    relation: str
    is_session: bool


class RevisionRetriedLine(Line, frozen=True, kw_only=True, tag="revision_retried"):
    """An attempt was rolled back; the next one follows after the pause."""

    revision: str
    attempt: int
    reason: str
    pause_ms: int
    wait: WaitDocument | None


class RevisionFinishedLine(Line, frozen=True, kw_only=True, tag="revision_finished"):
    """A revision is committed."""

    revision: str
    direction: str
    duration_ms: int
    attempts: int
    waited_ms: int
    stalled_ms: int


class BuildDelayedLine(Line, frozen=True, kw_only=True, tag="build_delayed"):
    """A build has not begun, because others are at work on its table."""

    revision: str
    statement: str
    wait: WaitDocument


class HoldersFoundLine(Line, frozen=True, kw_only=True, tag="holders_found"):
    """A build will wait for these sessions before it is done."""

    revision: str
    statement: str
    holders: tuple[BlockerDocument, ...]


class BuildProgressedLine(Line, frozen=True, kw_only=True, tag="build_progressed"):
    """How far a build is: in the phase, and in the partitions of its table."""

    revision: str
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
    wait: WaitDocument | None


class LeftoverRemovedLine(Line, frozen=True, kw_only=True, tag="leftover_removed"):
    """What an interrupted build had left is gone; `is_own`: this run had left it."""

    revision: str
    relation: str
    table: str
    is_own: bool


class BuildRetriedLine(Line, frozen=True, kw_only=True, tag="build_retried"):
    """A build failed in a way that may pass, and is tried again after the pause."""

    revision: str
    statement: str
    attempt: int
    reason: str
    pause_ms: int


class StopRequestedLine(Line, frozen=True, kw_only=True, tag="stop_requested"):
    """A signal came in."""

    signal: str


class RunWarnedLine(Line, frozen=True, kw_only=True, tag="run_warned"):
    """Something the operator should know that does not stop the run."""

    text: str


class FinishedLine(Line, frozen=True, kw_only=True, tag="finished"):
    """The last line of a run that did what was asked for; `current` was read back."""

    direction: str
    applied: tuple[AppliedDocument, ...]
    current: tuple[str, ...]
    duration_ms: int
    exit_code: int


class FailedLine(Line, frozen=True, kw_only=True, tag="failed"):
    """The last line of a run that did not; where the database is now was not asked."""

    direction: str
    applied: tuple[AppliedDocument, ...]
    current: None
    error: ErrorDocument
    exit_code: int
