"""The progress of a run, as it is told on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from safemigrate.execute import (
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
    describe_blocker,
    describe_duration,
    describe_holder,
    describe_wait,
)
from safemigrate.model import Direction
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count

__all__ = ["format_event", "show_progress"]

_INDENT = " " * 6


def format_event(event: RunEvent, paint: Paint) -> tuple[str, ...]:
    """Return the lines that tell of an event; none for one that needs no line."""
    match event:
        case RunnerWaited():
            who = describe_holder(event.holder) if event.holder is not None else "another runner"
            return (f"{paint('waiting', Tone.WARNING)} for the runner that is ahead: {who}",)
        case RunPlanned():
            return _format_plan(event, paint)
        case RevisionStarted():
            place = paint(f"[{event.position}/{event.count}]", Tone.FRAME)
            return (f"{place} {_name(event.revision, paint)}",)
        case LockWaited():
            waiting = paint("waiting", Tone.WARNING)
            blockers = (f"{_INDENT}  {describe_blocker(one)}" for one in event.wait.blockers)
            return (f"{_INDENT}{waiting} for {describe_wait(event.wait)}, held by", *blockers)
        case RevisionRetried():
            reason = paint(event.reason, Tone.WARNING)
            again = f"again in {describe_duration(event.pause)}"
            return (f"{_INDENT}{reason} in attempt {event.attempt}, rolled back; {again}",)
        case RevisionFinished():
            return (f"{_INDENT}{paint('done', Tone.GOOD)} in {_effort(event)}",)
        case StopRequested():
            return (f"{paint(event.signal, Tone.WARNING)}: stopping where nothing is lost",)
        case RunWarned():
            return (f"{paint('warning', Tone.WARNING)}: {event.text}",)
        case RunFinished():
            return ()


@contextmanager
def show_progress(stream: TextIO, paint: Paint, *, is_quiet: bool) -> Iterator[Progress]:
    """Yield what a run reports to: lines on `stream`, with a moving one on a terminal.

    Quiet leaves the warnings.
    """
    if is_quiet:
        yield _warnings_of(_line_by_line(stream.write, stream.flush, paint))
    elif stream.isatty():
        with _moving(stream, paint) as progress:
            yield progress
    else:
        yield _line_by_line(stream.write, stream.flush, paint)


def _warnings_of(progress: Progress) -> Progress:
    def warn(event: RunEvent) -> None:
        if isinstance(event, RunWarned):
            progress(event)

    return warn


def _line_by_line(
    write: Callable[[str], object], flush: Callable[[], object], paint: Paint
) -> Progress:
    def progress(event: RunEvent) -> None:
        # a run goes on when nobody can read of it any more
        with suppress(OSError):
            for line in format_event(event, paint):
                write(line + "\n")
            flush()

    return progress


@contextmanager
def _moving(stream: TextIO, paint: Paint) -> Iterator[Progress]:
    """Keep a line with a clock below the others while a revision runs."""
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import Progress as Bars  # noqa: PLC0415 - the same
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    console = Console(file=stream, highlight=False, soft_wrap=True)
    spinner, label, clock = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Bars(TextColumn("    "), spinner, label, clock, console=console, transient=True) as bars:
        task = bars.add_task("", visible=False, total=None)

        def progress(event: RunEvent) -> None:
            for line in format_event(event, paint):
                console.print(Text.from_ansi(line))
            if isinstance(event, RevisionStarted):
                bars.reset(task, description=event.direction.value, visible=True, total=None)
            elif isinstance(event, RevisionFinished):
                bars.update(task, visible=False)

        yield progress


def _format_plan(event: RunPlanned, paint: Paint) -> tuple[str, ...]:
    place = ", ".join(event.heads) or "base"
    verb = "apply" if event.direction is Direction.UPGRADE else "take back"
    first = f"database is at {place}, {count(len(event.revisions), 'revision')} to {verb}"
    width = max(len(one.revision) for one in event.revisions)
    rows = (f"  {one.revision.ljust(width)}  {one.message}" for one in event.revisions)
    return (paint(first, Tone.STRONG), *(row.rstrip() for row in rows))


def _name(revision: PlannedRevision, paint: Paint) -> str:
    name = paint(revision.revision, Tone.STRONG)
    return f"{name} {revision.message}" if revision.message else name


def _effort(event: RevisionFinished) -> str:
    text = describe_duration(event.duration)
    if event.attempts == 1:
        return text
    waited = describe_duration(event.waited)
    return f"{text} ({event.attempts} attempts, {waited} of it waiting)"
