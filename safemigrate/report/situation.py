"""What a run is doing at this moment, made out of its events."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from safemigrate.execute import (
    Blocker,
    BuildDelayed,
    BuildProgressed,
    BuildRetried,
    HookFinished,
    HookStarted,
    LockWait,
    LockWaited,
    RevisionFinished,
    RevisionRetried,
    RevisionStarted,
    RunConfigured,
    RunEvent,
    RunnerWaited,
    RunPlanned,
    StatementFinished,
    StatementStarted,
    StopRequested,
    TableBusy,
    describe_duration,
    describe_holder,
    describe_wait,
)

__all__ = ["Situation"]


@dataclass(slots=True)
class Situation:
    """What is going on.

    `doing`: in words. `since`: when that began, by the clock. `percent`: how far it is, None where
    that is not known. `position` of `count`: which revision is in hand, 0 before the first.
    """

    now: Callable[[], float] = time.monotonic
    doing: str = "getting ready"
    percent: int | None = None
    revision: str = ""
    position: int = 0
    done: int = 0
    count: int = 0
    since: float = field(init=False)

    def __post_init__(self) -> None:
        self.since = self.now()

    @property
    def lasted(self) -> timedelta:
        """For how long it has been doing that."""
        return timedelta(seconds=max(self.now() - self.since, 0))

    def __str__(self) -> str:
        percent = f" {self.percent} %" if self.percent is not None else ""
        return f"{self.doing}{percent}, for {describe_duration(self.lasted)}"

    def follow(self, event: RunEvent) -> None:
        """Take account of what happened."""
        if isinstance(event, RunPlanned):
            self.count = len(event.revisions)
        elif isinstance(event, RevisionStarted):
            self.position, self.count = event.position, event.count
            self.revision = event.revision.revision
        elif isinstance(event, RevisionFinished):
            self.done += 1
        doing = self._describe(event)
        percent = event.percent if isinstance(event, BuildProgressed) else None
        if doing is not None and doing != self.doing:
            self.doing, self.since = doing, self.now()
        if doing is not None:
            self.percent = percent

    def _describe(self, event: RunEvent) -> str | None:
        """Return what is done from now on, None when that goes on unchanged."""
        return (
            _describe_statement(event) or _describe_build(event) or self._describe_revision(event)
        )

    def _describe_revision(self, event: RunEvent) -> str | None:
        in_revision = f'in revision "{self.revision}"'
        match event:
            case RunnerWaited():
                holder = event.holder
                who = describe_holder(holder) if holder is not None else "another runner"
                return f"waiting for the runner that is ahead: {who}"
            case HookStarted():
                return f"in the hook: {event.command}"
            case HookFinished() | RunPlanned() | RunConfigured():
                return "getting ready"
            case RevisionStarted() | StatementFinished():
                return in_revision
            case RevisionRetried():
                return f"pausing before attempt {event.attempt + 1} {in_revision}"
            case RevisionFinished():
                return "between two revisions" if self.done < self.count else "ending"
            case StopRequested():
                return f"stopping for {event.signal}"
            case _:
                return None


def _describe_statement(event: RunEvent) -> str | None:
    match event:
        case StatementStarted():
            return event.statement
        case LockWaited():
            return f"in the queue for {_describe_wait(event.wait)}"
        case TableBusy():
            wait = LockWait(event.relation, event.mode, event.holders)
            return f"beside the queue for {_describe_wait(wait)}"
        case _:
            return None


def _describe_build(event: RunEvent) -> str | None:
    match event:
        case BuildDelayed():
            return f"waiting for others that work on the same table: {event.statement}"
        case BuildProgressed():
            part = f"partition {event.part} of {event.parts}, " if event.parts > 1 else ""
            waits = f", waiting for {_describe_wait(event.wait)}" if event.wait else ""
            return f"{part}{event.phase}{waits}"
        case BuildRetried():
            return f"pausing before attempt {event.attempt + 1} of {event.statement}"
        case _:
            return None


def _describe_wait(wait: LockWait) -> str:
    """Return it without what changes all the time, such as the age of a transaction."""
    held = ", held by " + _name_blocker(wait.blockers[0]) if wait.blockers else ""
    more = f" and {len(wait.blockers) - 1} more" if len(wait.blockers) > 1 else ""
    return f"{describe_wait(wait)}{held}{more}"


def _name_blocker(blocker: Blocker) -> str:
    parts = [f"user {blocker.user}"] if blocker.user else []
    if blocker.application:
        parts.append(f'application "{blocker.application}"')
    return f"pid {blocker.pid}" + (f" ({', '.join(parts)})" if parts else "")
