"""The progress of a run, as it is told on standard error."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import TextIO

from safemigrate.execute import (
    BuildEvent,
    BuildProgressed,
    HolderEnded,
    HookFinished,
    HookPrinted,
    HookStarted,
    LockWaited,
    PlannedRevision,
    Progress,
    RevisionFinished,
    RevisionRetried,
    RevisionStarted,
    RunConfigured,
    RunEvent,
    RunFinished,
    RunnerWaited,
    RunPlanned,
    RunWarned,
    StatementFinished,
    StatementStarted,
    StopRequested,
    TableBusy,
    describe_blocker,
    describe_duration,
    describe_holder,
    describe_wait,
)
from safemigrate.model import Direction
from safemigrate.report.builds import format_build
from safemigrate.report.heartbeat import Heartbeat
from safemigrate.report.situation import Situation
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count

__all__ = ["format_event", "show_progress"]

_INDENT = " " * 6
_HEARTBEAT = timedelta(seconds=5)
_WORTH_TELLING = timedelta(milliseconds=1)


def format_event(event: RunEvent, paint: Paint) -> tuple[str, ...]:
    """Return the lines that tell of an event; none for one that needs no line."""
    if isinstance(event, BuildEvent):
        return format_build(event, paint)
    if isinstance(event, HookStarted | HookPrinted | HookFinished):
        return _format_hook(event, paint)
    if isinstance(event, TableBusy | HolderEnded):
        return _format_busy(event, paint)
    if isinstance(event, RevisionStarted | LockWaited | RevisionRetried | RevisionFinished):
        return _format_revision(event, paint)
    return _format_run(event, paint)


def _format_run(
    event: RunnerWaited
    | RunPlanned
    | RunConfigured
    | StatementStarted
    | StatementFinished
    | StopRequested
    | RunWarned
    | RunFinished,
    paint: Paint,
) -> tuple[str, ...]:
    match event:
        case RunnerWaited():
            who = describe_holder(event.holder) if event.holder is not None else "another runner"
            return (f"{paint('waiting', Tone.WARNING)} for the runner that is ahead: {who}",)
        case RunPlanned():
            return _format_plan(event, paint)
        case RunConfigured():
            return _format_settings(event)
        case StopRequested():
            return (f"{paint(event.signal, Tone.WARNING)}: stopping where nothing is lost",)
        case RunWarned():
            return (f"{paint('warning', Tone.WARNING)}: {event.text}",)
        case StatementStarted() | StatementFinished() | RunFinished():
            return ()


def _format_revision(
    event: RevisionStarted | LockWaited | RevisionRetried | RevisionFinished, paint: Paint
) -> tuple[str, ...]:
    match event:
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


@contextmanager
def show_progress(
    stream: TextIO, paint: Paint, *, is_quiet: bool, heartbeat: timedelta = _HEARTBEAT
) -> Iterator[Progress]:
    """Yield what a run reports to: lines on `stream`, with bars that move on a terminal.

    Where there is no terminal, a line says what is going on whenever none was written for as long
    as `heartbeat`. Quiet leaves the warnings. It may be called from several threads.
    """
    if is_quiet:
        yield _warnings_of(_Lines(stream, paint).tell)
    elif stream.isatty():
        from safemigrate.report.bars import show_bars  # noqa: PLC0415 - only a terminal needs it

        with show_bars(stream, partial(format_event, paint=paint)) as progress:
            yield progress
    else:
        lines = _Lines(stream, paint)
        with Heartbeat(lines.beat, heartbeat.total_seconds()) as beating:

            def tell(event: RunEvent) -> None:
                with beating.lock:
                    if lines.tell(event):
                        beating.put_off()

            yield tell


class _Lines:
    """Writes a line when something changes."""

    def __init__(self, stream: TextIO, paint: Paint) -> None:
        self._stream = stream
        self._paint = paint
        self._situation = Situation()

    def tell(self, event: RunEvent) -> bool:
        """Return whether there was anything to write."""
        before = self._situation.doing
        self._situation.follow(event)
        if (
            isinstance(event, BuildProgressed | TableBusy | RunnerWaited)
            and before == self._situation.doing
        ):
            # another percent, or second, is a thing for the next line
            return False
        lines = format_event(event, self._paint)
        self._write(lines)
        return bool(lines)

    def beat(self) -> None:
        """Write what is going on."""
        self._write((f"{_INDENT}{self._paint('still', Tone.FRAME)} {self._situation}",))

    def _write(self, lines: Iterable[str]) -> None:
        # a run goes on when nobody can read of it any more
        with suppress(OSError, ValueError):
            for line in lines:
                self._stream.write(line + "\n")
            self._stream.flush()


def _warnings_of(tell: Callable[[RunEvent], object]) -> Progress:
    def warn(event: RunEvent) -> None:
        if isinstance(event, RunWarned):
            tell(event)

    return warn


def _format_plan(event: RunPlanned, paint: Paint) -> tuple[str, ...]:
    place = ", ".join(event.heads) or "base"
    verb = "apply" if event.direction is Direction.UPGRADE else "take back"
    first = f"database is at {place}, {count(len(event.revisions), 'revision')} to {verb}"
    width = max(len(one.revision) for one in event.revisions)
    rows = (f"  {one.revision.ljust(width)}  {one.message}" for one in event.revisions)
    return (paint(first, Tone.STRONG), *(row.rstrip() for row in rows))


def _format_busy(event: TableBusy | HolderEnded, paint: Paint) -> tuple[str, ...]:
    if isinstance(event, HolderEnded):
        done = paint("terminated" if event.is_session else "cancelled", Tone.WARNING)
        return (f"{_INDENT}{done} for a lock: {describe_blocker(event.holder)}",)
    waiting = paint("waiting", Tone.WARNING)
    wanted = f'{event.mode} on "{event.relation}"'
    holders = (f"{_INDENT}  {describe_blocker(one)}" for one in event.holders)
    return (f"{_INDENT}{waiting} for {wanted}, held by", *holders)


def _format_settings(event: RunConfigured) -> tuple[str, ...]:
    timeouts = [
        ("lock_timeout", event.lock_timeout),
        ("statement_timeout", event.statement_timeout),
        ("idle_in_transaction_session_timeout", event.idle_in_transaction_session_timeout),
        ("transaction_timeout", event.transaction_timeout),
    ]
    told = (
        f"{name} {describe_duration(timeout) if timeout else 'none'}"
        for name, timeout in timeouts
        if timeout is not None
    )
    waiting = (
        f"deadline {describe_duration(event.deadline)}, "
        f"stall budget {describe_duration(event.stall_budget)}, when busy: {event.when_busy}"
    )
    return f"  {', '.join(told)}", f"  {waiting}"


def _format_hook(event: HookStarted | HookPrinted | HookFinished, paint: Paint) -> tuple[str, ...]:
    match event:
        case HookStarted():
            return (f"{paint('hook', Tone.FRAME)} {event.moment.value}: {event.command}",)
        case HookPrinted():
            return (f"{_INDENT}{paint('|', Tone.FRAME)} {event.line}".rstrip(),)
        case HookFinished() if event.exit_code == 0:
            return (f"{_INDENT}{paint('done', Tone.GOOD)} in {describe_duration(event.duration)}",)
        case HookFinished():
            how = "ended" if event.exit_code is None else f"exit code {event.exit_code}"
            took = describe_duration(event.duration)
            return (f"{_INDENT}{paint(how, Tone.WARNING)} after {took}",)


def _name(revision: PlannedRevision, paint: Paint) -> str:
    name = paint(revision.revision, Tone.STRONG)
    return f"{name} {revision.message}" if revision.message else name


def _effort(event: RevisionFinished) -> str:
    parts = [f"{event.attempts} attempts"] if event.attempts > 1 else []
    if event.waited >= _WORTH_TELLING or event.attempts > 1:
        parts.append(f"{describe_duration(event.waited)} of it waiting")
    if event.stalled >= _WORTH_TELLING:
        parts.append(f"others held up for at most {describe_duration(event.stalled)}")
    text = describe_duration(event.duration)
    return f"{text} ({', '.join(parts)})" if parts else text
