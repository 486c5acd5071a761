"""What the process of a target tells, read."""

from datetime import timedelta
from signal import SIGKILL, SIGTERM, Signals

from msgspec import DecodeError, Struct, json

from safemigrate.errors import ExitCode
from safemigrate.execute.fleet.result import TargetOutcome, TargetResult
from safemigrate.execute.fleet.target import Target
from safemigrate.model.secrets import hide_passwords

__all__ = ["Transcript"]

_ENDS = frozenset({"finished", "failed"})
# Another runner is ahead: nothing was looked at yet.
_BEFORE_ANYTHING = "runner_waited"


class _Applied(Struct, frozen=True):
    revision: str


class _Error(Struct, frozen=True):
    message: str
    hint: str = ""


class _Line(Struct, frozen=True):
    """A line of the stream of events, as far as it is needed here; the last one has the rest."""

    event: str
    stalled_ms: int = 0
    applied: tuple[_Applied, ...] = ()
    current: tuple[str, ...] | None = None
    error: _Error | str | None = None


class Transcript:
    """Reads the lines that a run with `--format json` writes; `docs/events.md` tells of them.

    `has_begun`: whether it has come so far that it may have changed something.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self._end: _Line | None = None
        self._stalled_ms: int | None = None

    def read(self, line: bytes) -> bytes:
        """Take a line; return it when it is an event, and nothing when it is not."""
        try:
            read = json.decode(line, type=_Line)
        except DecodeError:
            # what a library prints, perhaps; it is not ours
            return b""
        if read.event in _ENDS:
            self._end = read
        elif read.event != _BEFORE_ANYTHING:
            self.has_begun = True
        if read.event == "statement_finished":
            self._stalled_ms = (self._stalled_ms or 0) + read.stalled_ms
        return line.strip()

    def conclude(
        self, target: Target, code: int, took: timedelta, *, was_stopped: bool
    ) -> TargetResult:
        """Return what became of the target whose process has ended with this code."""
        outcome, exit_code = self._read_code(code, was_stopped=was_stopped)
        end = self._end or _Line("failed")
        error, hint = ("", "") if outcome.has_succeeded else _explain(code, end.error)
        return TargetResult(
            target,
            outcome,
            exit_code,
            applied=tuple(one.revision for one in end.applied),
            current=end.current,
            duration=took,
            stalled=None if self._stalled_ms is None else timedelta(milliseconds=self._stalled_ms),
            error=hide_passwords(error),
            hint=hide_passwords(hint),
            has_begun=self.has_begun,
        )

    def _read_code(self, code: int, *, was_stopped: bool) -> tuple[TargetOutcome, ExitCode]:
        match code:
            case ExitCode.DONE:
                has_nothing = self._end is not None and not self._end.applied
                done = TargetOutcome.NOTHING if has_nothing else TargetOutcome.DONE
                return done, ExitCode.DONE
            case ExitCode.FINDINGS:
                return TargetOutcome.FAILED, ExitCode.FINDINGS
            case ExitCode.GAVE_UP:
                outcome = TargetOutcome.STOPPED if was_stopped else TargetOutcome.GAVE_UP
                return outcome, ExitCode.GAVE_UP
            case ExitCode.PART_WAY:
                return TargetOutcome.PART_WAY, ExitCode.PART_WAY
            case _ if code < 0 and self.has_begun:
                return TargetOutcome.PART_WAY, ExitCode.PART_WAY
            case _ if code < 0 and was_stopped:
                return TargetOutcome.STOPPED, ExitCode.GAVE_UP
            case _:
                return TargetOutcome.UNUSABLE, ExitCode.USAGE


def _explain(code: int, error: _Error | str | None) -> tuple[str, str]:
    """Return why the target is not done, and what to do."""
    if isinstance(error, _Error):
        return error.message, error.hint
    if code in {-SIGTERM, -SIGKILL}:
        return "stopped before anything was told", "run it again"
    how = f"by {Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return f"its process ended {how}, without a report", "the lines above may say why"
