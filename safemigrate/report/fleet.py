"""What became of many databases: lines while they run, a table, and JSON."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Raw, Struct, json

from safemigrate.execute import describe_duration
from safemigrate.execute.fleet import (
    FleetEvent,
    FleetReport,
    FleetStopped,
    TargetFinished,
    TargetOutcome,
    TargetResult,
    TargetSaid,
    TargetStarted,
)
from safemigrate.journal import count_milliseconds
from safemigrate.report.excerpt import one_line
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count, enumerate_words

__all__ = [
    "FleetDocument",
    "FleetLine",
    "encode_line",
    "fleet_document",
    "fleet_line",
    "format_fleet",
    "format_fleet_event",
]

_VERSION = 1
_HEADINGS = ("target", "outcome", "applied", "took", "stall")
_LONGEST_ERROR = 600
_TONES = {
    TargetOutcome.DONE: Tone.GOOD,
    TargetOutcome.NOTHING: Tone.GOOD,
    TargetOutcome.GAVE_UP: Tone.WARNING,
    TargetOutcome.STOPPED: Tone.WARNING,
    TargetOutcome.NOT_STARTED: Tone.WARNING,
}


class _ErrorDocument(Struct, frozen=True):
    message: str
    hint: str


class _TargetDocument(Struct, frozen=True):
    target: str
    schema: str
    outcome: str
    exit_code: int
    applied: tuple[str, ...]
    current: tuple[str, ...] | None
    duration_ms: int
    stalled_ms: int | None
    error: _ErrorDocument | None


class FleetDocument(Struct, frozen=True):
    """The last line of the JSON of a command on many targets."""

    event: str
    version: int
    at: datetime
    targets: tuple[_TargetDocument, ...]
    exit_code: int
    duration_ms: int
    stop_reason: str


class FleetLine(Struct, frozen=True, omit_defaults=True):
    """A line before it: a target and, in `said`, an event of the run on it as it came."""

    event: str
    version: int
    at: datetime
    target: str = ""
    said: Raw | None = None
    is_canary: bool | None = None
    outcome: str = ""
    reason: str = ""


def format_fleet_event(event: FleetEvent, paint: Paint) -> tuple[str, ...]:
    """Return the lines that tell of an event; none for one that needs no line."""
    match event:
        case TargetStarted():
            alone = ", and the others wait for it" if event.is_canary else ""
            return (f"{paint(event.target.name, Tone.STRONG)}: begins{alone}",)
        case TargetSaid():
            return (f"{paint(event.target.name, Tone.STRONG)}: {event.line}",) if event.line else ()
        case TargetFinished():
            place = paint(f"[{event.position}/{event.count}]", Tone.FRAME)
            name = paint(event.result.target.name, Tone.STRONG)
            return (f"{place} {name}: {_describe_result(event.result, paint)}",)
        case FleetStopped():
            return (f"{paint('no further target is begun', Tone.WARNING)}: {event.reason}",)


def fleet_line(event: FleetEvent, at: datetime) -> FleetLine | None:
    """Return what the stream of events has for an event; None for one that it leaves out.

    `at`: when it came, with its zone.
    """
    match event:
        case TargetStarted():
            return FleetLine(
                "target_started", _VERSION, at, event.target.name, is_canary=event.is_canary
            )
        case TargetSaid():
            if not event.event:
                return None
            return FleetLine("target_said", _VERSION, at, event.target.name, said=Raw(event.event))
        case TargetFinished():
            result = event.result
            outcome = result.outcome.value
            return FleetLine("target_finished", _VERSION, at, result.target.name, outcome=outcome)
        case FleetStopped():
            return FleetLine("fleet_stopped", _VERSION, at, reason=event.reason)


def fleet_document(report: FleetReport, at: datetime) -> FleetDocument:
    """Return the content of the JSON, the targets in the order they were given."""
    return FleetDocument(
        "fleet_finished",
        _VERSION,
        at,
        tuple(map(_target_document, report.results)),
        int(report.exit_code),
        count_milliseconds(report.duration),
        report.stop_reason,
    )


def encode_line(line: FleetLine | FleetDocument) -> str:
    """Return it as JSON on one line, with the newline."""
    return json.encode(line).decode() + "\n"


def _target_document(result: TargetResult) -> _TargetDocument:
    stalled = None if result.stalled is None else count_milliseconds(result.stalled)
    return _TargetDocument(
        target=result.target.name,
        schema=result.target.schema,
        outcome=result.outcome.value,
        exit_code=int(result.exit_code),
        applied=result.applied,
        current=result.current,
        duration_ms=count_milliseconds(result.duration),
        stalled_ms=stalled,
        error=_ErrorDocument(result.error, result.hint) if result.error else None,
    )


def format_fleet(report: FleetReport, paint: Paint) -> str:
    """Return the table, with what went wrong below each target, and the sum in the last line."""
    rows = [_cells(result) for result in report.results]
    widths = [max(len(row[column]) for row in (_HEADINGS, *rows)) for column in range(len(rows[0]))]
    lines = [paint(_row(_HEADINGS, widths), Tone.STRONG)]
    for result, row in zip(report.results, rows, strict=True):
        tone = _TONES.get(result.outcome, Tone.ERROR)
        text = _row(row, widths)
        lines.append(text if result.outcome.has_succeeded else paint(text, tone))
        lines.extend(_format_error(result))
    return "\n".join((*lines, "", _summary(report, paint), ""))


def _cells(result: TargetResult) -> tuple[str, ...]:
    is_begun = result.outcome is not TargetOutcome.NOT_STARTED
    return (
        result.target.name,
        result.outcome.value,
        str(len(result.applied)) if is_begun else "",
        describe_duration(result.duration) if is_begun else "",
        "" if result.stalled is None else describe_duration(result.stalled),
    )


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _format_error(result: TargetResult) -> Iterator[str]:
    if result.outcome is TargetOutcome.NOT_STARTED:
        return
    for text in (result.error, result.hint):
        if text:
            shown = one_line(text)
            yield "    " + (
                shown if len(shown) <= _LONGEST_ERROR else shown[: _LONGEST_ERROR - 1] + "…"
            )


def _describe_result(result: TargetResult, paint: Paint) -> str:
    word = paint(result.outcome.value, _TONES.get(result.outcome, Tone.ERROR))
    if result.outcome is TargetOutcome.NOTHING:
        return word
    applied = count(len(result.applied), "revision")
    return f"{word}, {applied} in {describe_duration(result.duration)}"


def _summary(report: FleetReport, paint: Paint) -> str:
    total = len(report.results)
    done = sum(one.outcome.has_succeeded for one in report.results)
    parts = []
    for outcome in TargetOutcome:
        number = sum(one.outcome is outcome for one in report.results)
        if number and not outcome.has_succeeded:
            parts.append(f"{number} {outcome.value}")
    first = f"{count(total, 'target')} done" if done == total else f"{done} of {total} targets done"
    text = paint(first, Tone.GOOD if done == total else Tone.WARNING)
    text += f" in {describe_duration(report.duration)}"
    if parts:
        text += f"; {enumerate_words(parts)}"
    if report.stop_reason:
        text += f": {report.stop_reason}"
    if done < total:
        text += "; the same command goes on where this one ended"
    return text
