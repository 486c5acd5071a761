"""What the lines of the JSON stream of a run are made of."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from safemigrate.execute import (
    Blocker,
    LockHolder,
    LockWait,
    PlannedRevision,
    RevisionFinished,
)
from safemigrate.journal import count_milliseconds

__all__ = [
    "AppliedDocument",
    "BlockerDocument",
    "ErrorDocument",
    "RevisionDocument",
    "RunnerDocument",
    "WaitDocument",
    "applied_documents",
    "blocker_documents",
    "optional_milliseconds",
    "require_wait",
    "revision_documents",
    "runner_document",
    "wait_document",
]


class RevisionDocument(Struct, frozen=True):
    """A revision that is going to run."""

    revision: str
    message: str


class BlockerDocument(Struct, frozen=True):
    """A session that is waited for; what may not be seen of it is empty or null."""

    pid: int
    user: str
    application: str
    state: str
    backend_type: str
    age_ms: int | None
    query: str
    nature: str


class WaitDocument(Struct, frozen=True):
    """What is waited for; `relation` is null for a row or for transactions to end."""

    relation: str | None
    mode: str | None
    blockers: tuple[BlockerDocument, ...]


class RunnerDocument(Struct, frozen=True):
    """The session that holds the deploy lock; `host` and what follows is what it says of itself."""

    pid: int
    user: str
    application: str
    client: str
    since: datetime | None
    host: str
    os_user: str
    doing: str


class AppliedDocument(Struct, frozen=True):
    """A revision that is committed."""

    revision: str
    direction: str
    duration_ms: int
    attempts: int
    waited_ms: int
    stalled_ms: int


class ErrorDocument(Struct, frozen=True):
    """Why a run did not reach its end, and what to do next."""

    message: str
    hint: str


def optional_milliseconds(duration: timedelta | None) -> int | None:
    """Return the whole milliseconds, None for None."""
    return None if duration is None else count_milliseconds(duration)


def revision_documents(revisions: Iterable[PlannedRevision]) -> tuple[RevisionDocument, ...]:
    """Return the revisions with their messages."""
    return tuple(RevisionDocument(one.revision, one.message) for one in revisions)


def runner_document(holder: LockHolder | None) -> RunnerDocument | None:
    """Return who holds the deploy lock."""
    if holder is None:
        return None
    lease = holder.lease
    return RunnerDocument(
        pid=holder.pid,
        user=holder.user,
        application=holder.application,
        client=holder.client,
        since=holder.since,
        host=lease.host if lease is not None else "",
        os_user=lease.os_user if lease is not None else "",
        doing=lease.doing if lease is not None else "",
    )


def wait_document(wait: LockWait | None) -> WaitDocument | None:
    """Return what is waited for, and for whom; None where nothing is."""
    return None if wait is None else require_wait(wait)


def require_wait(wait: LockWait) -> WaitDocument:
    """Return what is waited for, and for whom."""
    return WaitDocument(wait.relation, wait.mode, blocker_documents(wait.blockers))


def blocker_documents(blockers: Iterable[Blocker]) -> tuple[BlockerDocument, ...]:
    """Return who is waited for."""
    return tuple(
        BlockerDocument(
            pid=one.pid,
            user=one.user,
            application=one.application,
            state=one.state,
            backend_type=one.backend_type,
            age_ms=optional_milliseconds(one.age),
            query=one.query,
            nature=one.nature,
        )
        for one in blockers
    )


def applied_documents(applied: Iterable[RevisionFinished]) -> tuple[AppliedDocument, ...]:
    """Return what was applied, in order."""
    return tuple(
        AppliedDocument(
            revision=one.revision.revision,
            direction=one.direction.value,
            duration_ms=count_milliseconds(one.duration),
            attempts=one.attempts,
            waited_ms=count_milliseconds(one.waited),
            stalled_ms=count_milliseconds(one.stalled),
        )
        for one in applied
    )
