"""What a run did, as one line and as JSON."""

from collections.abc import Iterable

from msgspec import Struct

from safemigrate.errors import SafemigrateError
from safemigrate.execute import RevisionFinished, RunReport, describe_duration
from safemigrate.journal import count_milliseconds
from safemigrate.model import Direction
from safemigrate.model.secrets import hide_passwords
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count

__all__ = [
    "FailedRunDocument",
    "RunDocument",
    "failed_run_document",
    "format_run",
    "run_document",
]

_VERSION = 1


class _AppliedDocument(Struct, frozen=True):
    revision: str
    direction: str
    duration_ms: int
    attempts: int
    waited_ms: int


class RunDocument(Struct, frozen=True):
    """The JSON of `upgrade` and `downgrade`."""

    version: int
    applied: tuple[_AppliedDocument, ...]
    current: tuple[str, ...]


class _ErrorDocument(Struct, frozen=True):
    message: str
    hint: str


class FailedRunDocument(Struct, frozen=True):
    """The JSON of a run that failed; where the database is now was not asked, so it is null."""

    version: int
    applied: tuple[_AppliedDocument, ...]
    current: None
    error: _ErrorDocument


def format_run(run: RunReport, paint: Paint) -> str:
    """Return the last line of the report."""
    place = f"database is at {', '.join(run.heads) or 'base'}"
    if not run.applied:
        return f"nothing to do, {place}\n"
    verb = "applied" if run.direction is Direction.UPGRADE else "took back"
    done = paint(f"{verb} {count(len(run.applied), 'revision')}", Tone.GOOD)
    return f"{done} in {describe_duration(run.duration)}, {place}\n"


def run_document(run: RunReport) -> RunDocument:
    """Return the JSON's content."""
    return RunDocument(_VERSION, _applied_documents(run.applied), run.heads)


def failed_run_document(
    applied: Iterable[RevisionFinished], error: SafemigrateError
) -> FailedRunDocument:
    """Return the JSON's content for a run that ended in an error, having applied these."""
    return FailedRunDocument(
        _VERSION,
        _applied_documents(applied),
        None,
        _ErrorDocument(hide_passwords(error.message), hide_passwords(error.hint)),
    )


def _applied_documents(applied: Iterable[RevisionFinished]) -> tuple[_AppliedDocument, ...]:
    return tuple(
        _AppliedDocument(
            revision=one.revision.revision,
            direction=one.direction.value,
            duration_ms=count_milliseconds(one.duration),
            attempts=one.attempts,
            waited_ms=count_milliseconds(one.waited),
        )
        for one in applied
    )
