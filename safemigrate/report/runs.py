"""What a run did, as one line and as JSON."""

from datetime import timedelta

from msgspec import Struct

from safemigrate.execute import RunReport, describe_duration
from safemigrate.model import Direction
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count

__all__ = ["RunDocument", "format_run", "run_document"]

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
    return RunDocument(
        version=_VERSION,
        applied=tuple(
            _AppliedDocument(
                revision=one.revision.revision,
                direction=one.direction.value,
                duration_ms=_milliseconds(one.duration),
                attempts=one.attempts,
                waited_ms=_milliseconds(one.waited),
            )
            for one in run.applied
        ),
        current=run.heads,
    )


def _milliseconds(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))
