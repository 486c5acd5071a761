"""Where a database stands and what was done to it, as JSON."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from safemigrate.execute import (
    HistoryLine,
    Lease,
    LockHolder,
    PartialRevision,
    PlannedRevision,
    Standing,
)
from safemigrate.journal import count_milliseconds

__all__ = ["HistoryDocument", "StatusDocument", "history_document", "status_document"]

_VERSION = 1


class _RevisionDocument(Struct, frozen=True):
    revision: str
    message: str


class _LeaseDocument(Struct, frozen=True):
    host: str
    os_user: str
    package_version: str
    doing: str
    since: datetime
    renewed_at: datetime


class _RunnerDocument(Struct, frozen=True):
    pid: int
    user: str
    application: str
    client: str
    since: datetime | None
    lease: _LeaseDocument | None


class _EntryDocument(Struct, frozen=True):
    revision: str
    message: str
    direction: str
    outcome: str
    started_at: datetime
    finished_at: datetime
    duration_ms: int
    attempts: int
    waited_ms: int
    database_user: str
    os_user: str
    host: str
    package_version: str
    error: str
    committed: tuple[str, ...]
    override: str
    stalled_ms: int
    digest: str
    git_commit: str
    ci_run: str
    blockers: tuple[str, ...]
    begun_at: datetime
    done_before: int


class _StatementDocument(Struct, frozen=True):
    ordinal: int
    segment: int
    sql: str
    state: str
    started_at: datetime


class _PartialDocument(Struct, frozen=True):
    revision: str
    message: str
    direction: str
    committed: tuple[str, ...]
    resumes_after: int | None
    begun_at: datetime | None
    statements: tuple[_StatementDocument, ...]


class _IndexDocument(Struct, frozen=True):
    index: str
    table: str
    is_being_built: bool


class _ConstraintDocument(Struct, frozen=True):
    constraint: str
    table: str


class StatusDocument(Struct, frozen=True):
    """The JSON of `status`."""

    version: int
    database: str
    current: tuple[_RevisionDocument, ...]
    heads: tuple[_RevisionDocument, ...]
    pending: tuple[_RevisionDocument, ...]
    unknown: tuple[str, ...]
    partly_applied: tuple[_PartialDocument, ...]
    runner: _RunnerDocument | None
    cut_off: _LeaseDocument | None
    last: _EntryDocument | None
    invalid_indexes: tuple[_IndexDocument, ...]
    not_valid_constraints: tuple[_ConstraintDocument, ...]


class HistoryDocument(Struct, frozen=True):
    """The JSON of `history`."""

    version: int
    runs: tuple[_EntryDocument, ...]


def status_document(standing: Standing) -> StatusDocument:
    """Return the content of the JSON of `status`."""
    return StatusDocument(
        version=_VERSION,
        database=standing.database,
        current=_revision_documents(standing.current),
        heads=_revision_documents(standing.heads),
        pending=_revision_documents(standing.pending),
        unknown=standing.unknown,
        partly_applied=tuple(map(_partial_document, standing.partial)),
        runner=_runner_document(standing.runner),
        cut_off=_lease_document(standing.cut_off),
        last=None if standing.last is None else _entry_document(standing.last),
        invalid_indexes=tuple(
            _IndexDocument(one.index, one.table, one.is_being_built)
            for one in standing.invalid_indexes
        ),
        not_valid_constraints=tuple(
            _ConstraintDocument(one.constraint, one.table)
            for one in standing.unvalidated_constraints
        ),
    )


def history_document(lines: Iterable[HistoryLine]) -> HistoryDocument:
    """Return the content of the JSON of `history`."""
    return HistoryDocument(
        version=_VERSION,
        runs=tuple(_entry_document(line) for line in lines),
    )


def _revision_documents(
    revisions: Iterable[PlannedRevision],
) -> tuple[_RevisionDocument, ...]:
    return tuple(_RevisionDocument(one.revision, one.message) for one in revisions)


def _partial_document(partial: PartialRevision) -> _PartialDocument:
    return _PartialDocument(
        revision=partial.revision.revision,
        message=partial.revision.message,
        direction=partial.direction.value,
        committed=partial.committed,
        resumes_after=partial.resumes_after,
        begun_at=partial.statements[0].started_at if partial.statements else None,
        statements=tuple(
            _StatementDocument(one.ordinal, one.segment, one.sql, one.state.value, one.started_at)
            for one in partial.statements
        ),
    )


def _runner_document(holder: LockHolder | None) -> _RunnerDocument | None:
    if holder is None:
        return None
    return _RunnerDocument(
        holder.pid,
        holder.user,
        holder.application,
        holder.client,
        holder.since,
        _lease_document(holder.lease),
    )


def _lease_document(lease: Lease | None) -> _LeaseDocument | None:
    if lease is None:
        return None
    return _LeaseDocument(
        lease.host, lease.os_user, lease.version, lease.doing, lease.since, lease.renewed_at
    )


def _entry_document(line: HistoryLine) -> _EntryDocument:
    entry = line.entry
    return _EntryDocument(
        revision=entry.revision,
        message=line.message,
        direction=entry.direction.value,
        outcome=entry.outcome.value,
        started_at=entry.started_at,
        finished_at=entry.finished_at,
        duration_ms=count_milliseconds(entry.duration),
        attempts=entry.attempts,
        waited_ms=count_milliseconds(entry.waited),
        database_user=entry.database_user,
        os_user=entry.os_user,
        host=entry.host,
        package_version=entry.package_version,
        error=entry.error,
        committed=entry.committed,
        override=entry.override,
        stalled_ms=count_milliseconds(entry.stalled),
        digest=entry.digest,
        git_commit=entry.git_commit,
        ci_run=entry.ci_run,
        blockers=entry.blockers,
        begun_at=entry.started_at if line.resumed is None else line.resumed.begun_at,
        done_before=0 if line.resumed is None else line.resumed.statements,
    )
