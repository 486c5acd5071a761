"""The hooks of a project around a run of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from safemigrate.config import RunChoices
from safemigrate.errors import (
    GateRefusedError,
    InterruptedRunError,
    LockTimeoutError,
    RunStoppedError,
    SafemigrateError,
)
from safemigrate.execute import HookMoment, Inquiry, PlannedRevision, Progress, RunPlanned
from safemigrate.execute.hooks import HookCall, run_after_hooks, run_before_hooks
from safemigrate.model import Direction
from safemigrate.report.event_documents import Line
from safemigrate.report.events import encode_line, event_line
from safemigrate.source import Project

__all__ = ["RunHooks"]

_TIMEOUT = timedelta(seconds=60)


class RunHooks:
    """The shell commands of the configuration, which are told of what is run.

    Those behind a run follow only where those before it have been reached.
    """

    def __init__(
        self, choices: RunChoices, project: Project, direction: Direction, report: Progress
    ) -> None:
        self._choices = choices
        self._project = project
        self._direction = direction
        self._report = report
        self._pending: tuple[PlannedRevision, ...] | None = None

    def run_before(self, inquiry: Inquiry) -> None:
        """Run those before; GateRefusedError when one of them fails."""
        pending = tuple(
            PlannedRevision(one, self._project.script.get_revision(one).doc or "")
            for one in inquiry.pending
        )
        self._pending = pending
        planned = RunPlanned(self._direction, pending, inquiry.heads)
        line = event_line(planned, datetime.now(UTC))
        call = self._call(HookMoment.BEFORE, line, "planned", inquiry.heads)
        run_before_hooks(self._choices.before, call, self._report)

    def run_after(
        self, line: Line, error: SafemigrateError | None, heads: Sequence[str] = ()
    ) -> None:
        """Run those behind; `line` is the last one of the stream, `heads` none after an error."""
        if self._pending is None:
            return
        call = self._call(HookMoment.AFTER, line, _name_outcome(error), heads)
        run_after_hooks(self._choices.after, call, self._report)

    def _call(
        self, moment: HookMoment, line: Line | None, outcome: str, heads: Sequence[str]
    ) -> HookCall:
        return HookCall(
            moment,
            self._direction.value,
            revisions=[one.revision for one in self._pending or ()],
            heads=heads,
            outcome=outcome,
            document="" if line is None else encode_line(line),
            timeout=self._choices.hook_timeout or _TIMEOUT,
        )


def _name_outcome(error: SafemigrateError | None) -> str:
    match error:
        case None:
            return "done"
        case GateRefusedError():
            return "refused"
        case LockTimeoutError():
            return "gave-up"
        case RunStoppedError():
            return "stopped"
        case InterruptedRunError():
            return "part-way"
        case _:
            return "failed"
