"""One execution: the project's env.py run once, with the pending revisions in it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial, update_wrapper
from typing import TypeVar

from alembic.runtime.migration import MigrationContext, RevisionStep
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.errors import InterruptedRunError, SafemigrateError
from safemigrate.execute.backoff import pause_after
from safemigrate.execute.blockers import LockWait
from safemigrate.execute.conductor import Conductor
from safemigrate.execute.control import ControlLostError
from safemigrate.execute.effective import confirm_settings
from safemigrate.execute.events import (
    LockWaited,
    PlannedRevision,
    RevisionFinished,
    RevisionRetried,
    RevisionStarted,
    RunWarned,
)
from safemigrate.execute.failures import Cause, Failure, chain, read_failure
from safemigrate.execute.identity import identify
from safemigrate.execute.ledger import Ledger
from safemigrate.execute.outcome import (
    Changes,
    Effort,
    describe_outcome,
    explain_between,
    explain_failure,
    explain_stop,
    find_stop,
)
from safemigrate.execute.resume import CannotResumeError, ProgressReader
from safemigrate.execute.session import watch_sessions
from safemigrate.execute.site import Site, ask_again, check_context
from safemigrate.execute.steps import describe_step
from safemigrate.execute.surroundings import StopRunError, Surroundings
from safemigrate.execute.transaction import adopt_transaction, begin_anew, connection_of, let_go
from safemigrate.execute.watcher import LockWatcher
from safemigrate.journal import (
    Attempt,
    Outcome,
    prepare_journal,
    read_progress_of,
    translated,
    write_entry,
)
from safemigrate.source import run_environment
from safemigrate.source.directory import keeping_directory

__all__ = ["Execution"]

Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Current:
    """The revision in hand.

    `started`: by the clock. `heads`: what the version table has without it. `waited`: the seconds
    that went into attempts given up, and the pauses after them.
    """

    revision: PlannedRevision
    path: str
    started: float
    heads: frozenset[str]
    attempts: int = 0
    waited: float = 0.0


class Execution:
    """Runs the steps of a plan; to be used once."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._plan = surroundings.plan
        self._site = surroundings.site
        self._stop = surroundings.stop
        self._report = surroundings.report
        self._ledger = Ledger()
        self._watcher = LockWatcher(self._site.control, self._tell_wait, surroundings.patience)
        self._conductor = Conductor(surroundings, self._watcher)
        self._applied: list[RevisionFinished] = []
        self._expected = frozenset(self._plan.heads)
        self._current: _Current | None = None
        self._context: MigrationContext | None = None
        self._progress = ProgressReader(surroundings)

    def run(self) -> tuple[tuple[RevisionFinished, ...], tuple[str, ...]]:
        """Return what was applied, and the heads as they were read back afterwards.

        Raises what `run_upgrade` says.
        """
        error = self._drive()
        if error is not None:
            explained = self._explain(error)
            if explained is error:
                raise explained
            raise explained from error
        self._confirm()
        return tuple(self._applied), tuple(sorted(self._expected))

    def _drive(self) -> BaseException | None:
        plan = self._plan
        conductor = self._conductor
        watching = watch_sessions(plan.settings.lock_timeout, self._ledger, conductor, conductor)
        with self._watcher, watching:
            try:
                run_environment(plan.project, self._work, url=plan.url, destination=plan.target)
            except BaseException as error:  # noqa: BLE001 - none may pass without being explained
                return error
            finally:
                self._stop.cancel = None
                let_go(self._context)
        return None

    def _work(self, heads: tuple[str, ...], context: MigrationContext) -> Iterator[RevisionStep]:
        self._context = context
        connection = check_context(context)
        # What env.py sent so far, such as SET search_path, is not ours to take back.
        connection.commit()
        self._expect(heads)
        self._report(confirm_settings(connection, self._site, self._plan.settings))
        prepare_journal(connection)
        self._progress.look(connection)
        context.on_version_apply_callbacks = (
            *context.on_version_apply_callbacks,
            self._note_heads,
        )
        count = len(self._plan.steps)
        for position, step in enumerate(self._plan.steps, 1):
            self._check_right_to_go_on()
            current = _Current(
                describe_step(step), str(step.revision.path), self._now(), self._expected
            )
            self._current = current
            self._watcher.begin_revision()
            self._conductor.log.begin_revision()
            self._report(RevisionStarted(current.revision, self._plan.direction, position, count))
            migrate = partial(self._migrate, current, context, step.migration_fn)
            # Alembic's log asks for the name to tell an upgrade from a downgrade
            step.migration_fn = update_wrapper(migrate, step.migration_fn)
            yield step
            # Alembic comes back for the next one when this one is committed
            self._finish(current)

    def _migrate(
        self,
        current: _Current,
        context: MigrationContext,
        function: Callable[..., object],
        **arguments: object,
    ) -> None:
        """Run upgrade() or downgrade() in the transaction Alembic has begun, until it succeeds."""
        while True:
            current.attempts += 1
            began = self._now()
            error = self._attempt(current, context, partial(function, **arguments))
            if error is None:
                return
            failure = read_failure(error, current.path)
            pause = self._choose_pause(current, failure)
            if pause is None:
                raise error
            begin_anew(context)
            self._report(
                RevisionRetried(
                    current.revision,
                    current.attempts,
                    failure.cause.value,
                    self._watcher.last_wait,
                    pause,
                )
            )
            self._surroundings.sleep(pause.total_seconds())
            current.waited += self._now() - began

    def _attempt(
        self, current: _Current, context: MigrationContext, function: Callable[[], object]
    ) -> Exception | None:
        self._conductor.log.begin_attempt()
        try:
            self._prepare(context, current)
            self._conductor.begin_attempt(current.revision)
            try:
                with keeping_directory():
                    # the next attempt begins where this one did
                    self._stop.run_revision(function)
            finally:
                self._conductor.end_attempt()
            adopt_transaction(context)
            connection = connection_of(context)
            self._conductor.log.finish(connection, self._describe(current, Outcome.APPLIED))
            self._ledger.note_write(connection)
        except Exception as error:  # noqa: BLE001 - whatever a revision raises is looked at
            return error
        finally:
            self._conductor.log.close()
        return None

    def _prepare(self, context: MigrationContext, current: _Current) -> None:
        """Make the session ready, and see that nobody else moves the version table meanwhile."""
        connection = connection_of(context)
        self._ledger.clear()
        with translated(connection):
            pid = identify(connection).pid
        self._watcher.begin_attempt(pid)
        self._stop.cancel = partial(self._cancel, pid)
        self._conductor.begin_statement()
        try:
            heads = self._site.version_table.hold(connection, self._plan.settings.lock_timeout)
        finally:
            self._conductor.end_statement()
        self._expect(heads)
        # only now nobody else can be about to commit a part of the revision
        run, rows = self._progress.read(connection, current.revision, current.path)
        self._conductor.log.open(connection, run, rows)
        # what follows is the revision's own
        self._ledger.clear()
        self._ledger.main = connection

    def _choose_pause(self, current: _Current, failure: Failure) -> timedelta | None:
        """Return how long to wait before the next attempt, None when there is none."""
        settings = self._plan.settings
        is_last = settings.lock_attempts is not None and current.attempts >= settings.lock_attempts
        remaining = self._surroundings.remaining()
        if not failure.may_pass or self._ledger.has_foreign or self._stop.received:
            return None
        if is_last or remaining <= 0:
            return None
        pause = pause_after(current.attempts, settings.lock_timeout, settings.timing.draw)
        return min(pause, timedelta(seconds=remaining))

    def _finish(self, current: _Current) -> None:
        finished = RevisionFinished(
            revision=current.revision,
            direction=self._plan.direction,
            duration=self._since(current.started),
            attempts=current.attempts,
            waited=self._waited(current),
            stalled=self._conductor.end_revision(),
        )
        self._current = None
        self._ledger.clear()
        self._applied.append(finished)
        self._report(finished)

    def _check_right_to_go_on(self) -> None:
        """Raise when the run was asked to stop, or the deploy lock is no longer ours."""
        self._surroundings.check_stop()
        self._site.check_lock()

    def _expect(self, heads: tuple[str, ...]) -> None:
        if frozenset(heads) != self._expected:
            raise StopRunError(
                f"something else moved the database to {_quote(heads)} during the run"
            )

    def _note_heads(self, *, heads: set[str], **details: object) -> None:
        del details
        self._expected = frozenset(heads)

    def _tell_wait(self, wait: LockWait) -> None:
        # told from another thread, while this one goes on to the next revision
        current = self._current
        if current is not None:
            self._report(LockWaited(current.revision, wait))

    def _cancel(self, pid: int) -> None:
        statement = text("SELECT pg_cancel_backend(:pid)")
        try:
            self._site.control.run(lambda connection: connection.execute(statement, {"pid": pid}))
        except (ControlLostError, SQLAlchemyError):
            # without it the statement ends by itself, and the run after it
            return

    def _explain(self, error: BaseException) -> BaseException:
        """Return the error to raise, having written the failure into the history."""
        applied = tuple(one.revision.revision for one in self._applied)
        stop = next((str(one) for one in chain(error) if isinstance(one, StopRunError)), "")
        if self._current is None:
            return explain_between(error, stop, Changes(applied))
        current, revision = self._current, self._current.revision.revision
        failure = read_failure(error, current.path)
        heads = self._read_back()
        is_applied = heads is not None and heads == self._expected != current.heads
        if is_applied:
            changes = Changes((*applied, revision))
        else:
            changes = Changes(
                applied,
                tuple(dict.fromkeys(self._ledger.committed)),
                is_in_doubt=failure.cause is Cause.DISCONNECT and bool(self._ledger.committing),
                leftover=self._progress.leftover(revision),
                resumes_after=self._find_resumption(revision),
            )
        reason = stop or find_stop(error, failure, self._stop.received)
        effort = Effort(self._watcher.last_wait, current.attempts, self._since(current.started))
        refusal = next((one for one in chain(error) if isinstance(one, CannotResumeError)), None)
        if refusal is not None:
            explained: SafemigrateError = InterruptedRunError(str(refusal), refusal.hint)
        elif reason:
            explained = explain_stop(f'{reason} in revision "{revision}"', revision, changes)
        else:
            explained = explain_failure(revision, failure, changes, effort)
        if not is_applied:
            self._record(current, describe_outcome(explained, failure, effort), changes.committed)
        return explained

    def _find_resumption(self, revision: str) -> int | None:
        """Return the statement behind which the revision would go on, None where it would not."""
        if self._ledger.has_foreign:
            return None
        direction = self._plan.direction
        found = self._ask_again(
            lambda site: site.act(lambda one: read_progress_of(one, [revision], direction))
        )
        rows = (found or {}).get(revision, ())
        return rows[-1].ordinal if rows else None

    def _confirm(self) -> None:
        """Raise when the database is not where the run should have brought it."""
        heads = self._read_back()
        if heads is None:
            raise InterruptedRunError(
                "the run ended without an error, and the database could not be asked what it has",
                "`safemigrate status` says where the database is",
            )
        if heads != self._expected:
            raise InterruptedRunError(
                f"the run ended without an error, but the database is at {_quote(heads)} "
                f"instead of {_quote(self._expected)}",
                "something took back what was done, or moved the version table; "
                "`safemigrate status` says where the database is",
            )

    def _read_back(self) -> frozenset[str] | None:
        """Return what the version table has, None when the database cannot be asked."""
        return self._ask_again(lambda site: frozenset(site.read_heads()))

    def _record(self, current: _Current, error: str, committed: Sequence[str]) -> None:
        attempt = replace(
            self._describe(current, Outcome.FAILED), error=error, committed=tuple(committed)
        )

        def write(site: Site) -> bool:
            site.act(lambda connection: write_entry(connection, attempt))
            return True

        if not self._ask_again(write):
            self._report(RunWarned("the failure could not be written into the history"))

    def _ask_again(self, question: Callable[[Site], Answer]) -> Answer | None:
        plan = self._plan
        return ask_again(
            self._site,
            plan.project,
            question,
            lock_timeout=plan.settings.lock_timeout,
            url=plan.url,
        )

    def _describe(self, current: _Current, outcome: Outcome) -> Attempt:
        log = self._conductor.log
        return Attempt(
            revision=current.revision.revision,
            direction=self._plan.direction,
            outcome=outcome,
            duration=self._since(current.started),
            attempts=current.attempts,
            waited=self._waited(current),
            override=self._plan.clearance.override,
            stalled=self._conductor.stalled,
            digest=self._plan.clearance.digests.get(current.revision.revision, ""),
            git_commit=self._plan.origin.git_commit,
            ci_run=self._plan.origin.ci_run,
            blockers=log.blockers,
        )

    def _now(self) -> float:
        return self._surroundings.now()

    def _waited(self, current: _Current) -> timedelta:
        """Return the time of attempts given up, and that spent beside the queue in the last one."""
        return timedelta(seconds=current.waited) + self._conductor.log.waited

    def _since(self, started: float) -> timedelta:
        return timedelta(seconds=self._now() - started)


def _quote(heads: Iterable[str]) -> str:
    return ", ".join(f'"{head}"' for head in sorted(heads)) or "base"
