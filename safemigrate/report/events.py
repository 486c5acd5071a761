"""The events of a run as JSON: one object a line; `docs/events.md` tells of each."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from safemigrate.errors import SafemigrateError
from safemigrate.execute import (
    BuildDelayed,
    BuildEvent,
    BuildProgressed,
    BuildRetried,
    HolderEnded,
    HoldersFound,
    HookFinished,
    HookPrinted,
    HookStarted,
    LeftoverRemoved,
    LockWaited,
    RevisionFinished,
    RevisionRetried,
    RevisionStarted,
    RunConfigured,
    RunEvent,
    RunFinished,
    RunnerWaited,
    RunPlanned,
    RunReport,
    RunWarned,
    StatementFinished,
    StatementStarted,
    StopRequested,
    TableBusy,
)
from safemigrate.journal import count_milliseconds
from safemigrate.model import Direction
from safemigrate.model.secrets import hide_passwords
from safemigrate.report import event_documents as documents
from safemigrate.report.event_documents import Line
from safemigrate.report.event_parts import (
    ErrorDocument,
    applied_documents,
    blocker_documents,
    optional_milliseconds,
    require_wait,
    revision_documents,
    runner_document,
    wait_document,
)

__all__ = ["encode_line", "event_line", "event_schema", "failed_line", "finished_line"]

_SCHEMA_NAME = "https://json-schema.org/draft/2020-12/schema"


def encode_line(line: Line) -> str:
    """Return the JSON of one line, with the end of the line."""
    return msgspec.json.encode(line).decode() + "\n"


def event_line(event: RunEvent, at: datetime) -> Line | None:
    """Return the line of an event; None for RunFinished, for `finished_line` makes the last one.

    `at`: when the event came, with its zone.
    """
    if isinstance(event, BuildEvent):
        return _build_line(event, at)
    if isinstance(event, HookStarted | HookPrinted | HookFinished):
        return _hook_line(event, at)
    if isinstance(event, TableBusy | HolderEnded):
        return _busy_line(event, at)
    if isinstance(event, StatementStarted | StatementFinished):
        return _statement_line(event, at)
    if isinstance(event, RevisionStarted | LockWaited | RevisionRetried | RevisionFinished):
        return _revision_line(event, at)
    return _run_line(event, at)


def finished_line(run: RunReport, at: datetime) -> Line:
    """Return the last line of a run that did what was asked for."""
    return documents.FinishedLine(
        at=at,
        direction=run.direction.value,
        applied=applied_documents(run.applied),
        current=run.heads,
        duration_ms=count_milliseconds(run.duration),
        exit_code=0,
    )


def failed_line(
    direction: Direction,
    applied: Iterable[RevisionFinished],
    error: SafemigrateError,
    at: datetime,
) -> Line:
    """Return the last line of a run that ended in an error, having applied these."""
    return documents.FailedLine(
        at=at,
        direction=direction.value,
        applied=applied_documents(applied),
        current=None,
        error=ErrorDocument(hide_passwords(error.message), hide_passwords(error.hint)),
        exit_code=int(error.exit_code),
    )


def event_schema() -> dict[str, object]:
    """Return the JSON Schema of a line.

    Every field is always there. What is not named may come with a later release.
    """
    kinds = tuple(
        kind
        for kind in vars(documents).values()
        if isinstance(kind, type) and issubclass(kind, Line) and kind is not Line
    )
    references, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    for component in components.values():
        component["required"] = list(component["properties"])
        for property_ in component["properties"].values():
            property_.pop("default", None)
        if "version" in component["properties"]:
            component["properties"]["version"] = {"const": documents.VERSION}
    return {
        "$schema": _SCHEMA_NAME,
        "title": "A line of `safemigrate upgrade --format json`",
        "oneOf": list(references),
        "$defs": components,
    }


def _configured_line(event: RunConfigured, at: datetime) -> Line:
    return documents.RunConfiguredLine(
        at=at,
        database=event.database,
        server_version=str(event.server_version),
        lock_timeout_ms=count_milliseconds(event.lock_timeout),
        statement_timeout_ms=count_milliseconds(event.statement_timeout),
        idle_in_transaction_session_timeout_ms=count_milliseconds(
            event.idle_in_transaction_session_timeout
        ),
        transaction_timeout_ms=optional_milliseconds(event.transaction_timeout),
        deadline_ms=count_milliseconds(event.deadline),
        stall_budget_ms=count_milliseconds(event.stall_budget),
        when_busy=event.when_busy,
    )


def _run_line(
    event: RunnerWaited | RunPlanned | RunConfigured | StopRequested | RunWarned | RunFinished,
    at: datetime,
) -> Line | None:
    match event:
        case RunnerWaited():
            return documents.RunnerWaitedLine(at=at, runner=runner_document(event.holder))
        case RunPlanned():
            return documents.RunPlannedLine(
                at=at,
                direction=event.direction.value,
                revisions=revision_documents(event.revisions),
                current=event.heads,
            )
        case RunConfigured():
            return _configured_line(event, at)
        case StopRequested():
            return documents.StopRequestedLine(at=at, signal=event.signal)
        case RunWarned():
            return documents.RunWarnedLine(at=at, text=hide_passwords(event.text))
        case RunFinished():
            return None


def _revision_line(
    event: RevisionStarted | LockWaited | RevisionRetried | RevisionFinished, at: datetime
) -> Line:
    match event:
        case RevisionStarted():
            return documents.RevisionStartedLine(
                at=at,
                revision=event.revision.revision,
                message=event.revision.message,
                direction=event.direction.value,
                position=event.position,
                count=event.count,
            )
        case LockWaited():
            wait, revision = require_wait(event.wait), event.revision.revision
            return documents.LockWaitedLine(at=at, revision=revision, wait=wait)
        case RevisionRetried():
            return documents.RevisionRetriedLine(
                at=at,
                revision=event.revision.revision,
                attempt=event.attempt,
                reason=event.reason,
                pause_ms=count_milliseconds(event.pause),
                wait=wait_document(event.wait),
            )
        case RevisionFinished():
            return documents.RevisionFinishedLine(
                at=at,
                revision=event.revision.revision,
                direction=event.direction.value,
                duration_ms=count_milliseconds(event.duration),
                attempts=event.attempts,
                waited_ms=count_milliseconds(event.waited),
                stalled_ms=count_milliseconds(event.stalled),
            )


def _statement_line(event: StatementStarted | StatementFinished, at: datetime) -> Line:
    match event:
        case StatementStarted():
            return documents.StatementStartedLine(
                at=at,
                revision=event.revision.revision,
                ordinal=event.ordinal,
                statement=event.statement,
                is_autocommit=event.is_autocommit,
            )
        case StatementFinished():
            return documents.StatementFinishedLine(
                at=at,
                revision=event.revision.revision,
                ordinal=event.ordinal,
                statement=event.statement,
                duration_ms=count_milliseconds(event.duration),
                attempts=event.attempts,
                waited_ms=count_milliseconds(event.waited),
                stalled_ms=count_milliseconds(event.stalled),
                blockers=blocker_documents(event.blockers),
                error=event.error or None,
                sqlstate=event.sqlstate or None,
            )


def _busy_line(event: TableBusy | HolderEnded, at: datetime) -> Line:
    match event:
        case TableBusy():
            return documents.TableBusyLine(
                at=at,
                relation=event.relation,
                mode=event.mode,
                holders=blocker_documents(event.holders),
                waited_ms=count_milliseconds(event.waited),
            )
        case HolderEnded():
            (holder,) = blocker_documents((event.holder,))
            return documents.HolderEndedLine(
                at=at, holder=holder, relation=event.relation, is_session=event.is_session
            )


def _hook_line(event: HookStarted | HookPrinted | HookFinished, at: datetime) -> Line:
    moment = event.moment.value
    match event:
        case HookStarted():
            return documents.HookStartedLine(at=at, moment=moment, command=event.command)
        case HookPrinted():
            return documents.HookPrintedLine(
                at=at, moment=moment, command=event.command, text=event.line
            )
        case HookFinished():
            return documents.HookFinishedLine(
                at=at,
                moment=moment,
                command=event.command,
                exit_code=event.exit_code,
                duration_ms=count_milliseconds(event.duration),
            )


def _build_line(event: BuildEvent, at: datetime) -> Line:
    revision = event.revision.revision
    match event:
        case BuildDelayed():
            wait = require_wait(event.wait)
            return documents.BuildDelayedLine(
                at=at, revision=revision, statement=event.statement, wait=wait
            )
        case HoldersFound():
            return documents.HoldersFoundLine(
                at=at,
                revision=revision,
                statement=event.statement,
                holders=blocker_documents(event.holders),
            )
        case BuildProgressed():
            return _progressed_line(event, at)
        case LeftoverRemoved():
            return documents.LeftoverRemovedLine(
                at=at,
                revision=revision,
                relation=event.relation,
                table=event.table,
                is_own=event.is_own,
            )
        case BuildRetried():
            return documents.BuildRetriedLine(
                at=at,
                revision=revision,
                statement=event.statement,
                attempt=event.attempt,
                reason=event.reason,
                pause_ms=count_milliseconds(event.pause),
            )


def _progressed_line(event: BuildProgressed, at: datetime) -> Line:
    return documents.BuildProgressedLine(
        at=at,
        revision=event.revision.revision,
        statement=event.statement,
        phase=event.phase,
        percent=event.percent,
        blocks_done=event.blocks_done,
        blocks_total=event.blocks_total,
        tuples_done=event.tuples_done,
        tuples_total=event.tuples_total,
        lockers_done=event.lockers_done,
        lockers_total=event.lockers_total,
        part=event.part,
        parts=event.parts,
        wait=wait_document(event.wait),
    )
