"""What is told of index builds, and of what else runs for long beside the application."""

from collections.abc import Iterator

from safemigrate.execute import (
    BuildDelayed,
    BuildEvent,
    BuildProgressed,
    BuildRetried,
    HoldersFound,
    LeftoverRemoved,
    describe_blocker,
    describe_duration,
    describe_wait,
)
from safemigrate.report.tone import Paint, Tone

__all__ = ["format_build"]

_INDENT = " " * 6


def format_build(event: BuildEvent, paint: Paint) -> tuple[str, ...]:
    """Return the lines that tell of the event."""
    return tuple(_INDENT + line for line in _lines(event, paint))


def _lines(event: BuildEvent, paint: Paint) -> Iterator[str]:
    waiting = paint("waiting", Tone.WARNING)
    match event:
        case BuildDelayed():
            yield f"{waiting} for others on the same table: {event.statement}"
            yield from (f"  {describe_blocker(one)}" for one in event.wait.blockers)
        case HoldersFound():
            yield f"{event.statement} will wait for"
            yield from (f"  {describe_blocker(one)}" for one in event.holders)
        case BuildProgressed():
            yield _describe_progress(event)
            if event.wait is not None:
                yield f"  {waiting} for {describe_wait(event.wait)}, held by"
                yield from (f"  {describe_blocker(one)}" for one in event.wait.blockers)
        case LeftoverRemoved():
            whose = "what the build left" if event.is_own else "what an earlier build left"
            yield f'removed {whose}: "{event.relation}" of "{event.table}"'
        case BuildRetried():
            reason = paint(event.reason, Tone.WARNING)
            again = f"again in {describe_duration(event.pause)}"
            yield f"{reason} in attempt {event.attempt}, cleared up; {again}"


def _describe_progress(event: BuildProgressed) -> str:
    part = f"partition {event.part} of {event.parts}, " if event.parts > 1 else ""
    percent = f" {event.percent} %" if event.percent is not None else ""
    return f"{part}{event.phase}{percent}"
