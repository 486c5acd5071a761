"""An upgrade cut off somewhere, and run again, both by what `safemigrate upgrade` runs.

It is the real runner, in this process, which keeps its journal in the database of the trial.
"""

import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta

from safemigrate.catalog import read_server
from safemigrate.errors import RevisionFailedError, SafemigrateError
from safemigrate.execute import (
    Clearance,
    Inquiry,
    RevisionStarted,
    RunEvent,
    RunSettings,
    StopRequested,
    run_upgrade,
)
from safemigrate.plan import walk_pending
from safemigrate.source.quarantine import quarantine
from safemigrate.verify.bench import Bench
from safemigrate.verify.cuts.conditions import Goal, look
from safemigrate.verify.cuts.faults import Fault
from safemigrate.verify.cuts.statements import Sending, SentStatement, StatementWatch
from safemigrate.verify.cuts.trials import Trial
from safemigrate.verify.snapshots import VersionTable
from safemigrate.verify.stage import Stage, State

__all__ = ["lasting", "try_runner"]

# Nobody else is on the server, but a session that was ended may keep its locks for a moment.
_DEADLINE = timedelta(seconds=30)


def try_runner(
    stage: Stage,
    goal: Goal,
    statement: SentStatement,
    opening: Callable[[Bench], AbstractContextManager[Fault]],
) -> Trial:
    """Return what became of a run with a fault at that statement, and of the one after it.

    `opening`: the fault, for as long as the first run lasts. Raises what the first run ended with
    where it never came to the statement, RevisionFailedError where it ended well all the same.
    """
    with stage.database(State.BEFORE) as bench:
        struck: list[SentStatement] = []
        runner = _Runner(stage, bench)
        with opening(bench) as fault:

            def strike(sending: Sending) -> bool:
                if struck or sending.statement.place != statement.place:
                    return False
                struck.append(statement)
                return fault(bench, replace(sending, spared=runner.beside))

            # a lock timeout ends this run, too, so that there is one to go on with
            watch = StatementWatch(str(stage.script.path), strike)
            with watch.watching():
                error = runner.run(RunSettings(deadline=_DEADLINE, lock_attempts=1), watch)
        if not struck:
            raise error or _never_came(statement)
        was_done = error is None
        if not was_done:
            error = runner.run(RunSettings(deadline=_DEADLINE))
        if error is not None:
            return Trial(statement, error=error.message, hint=error.hint)
        missed = goal.compare(look(bench, stage.revision))
        return Trial(statement, was_done=was_done, missed=missed)


def lasting(fault: Fault) -> Callable[[Bench], AbstractContextManager[Fault]]:
    """Return the fault as one for `try_runner` that leaves nothing to be taken back."""
    return lambda _: nullcontext(fault)


def _never_came(statement: SentStatement) -> RevisionFailedError:
    return RevisionFailedError(
        f'"safemigrate upgrade" was not seen to come to {statement.title}, where it was to be cut '
        "off"
    )


class _Runner:
    """Upgrades a bench's database to the stage's revision, as often as it is asked to.

    `beside`: the server's process of the session that has the deploy lock.
    """

    def __init__(self, stage: Stage, bench: Bench) -> None:
        self.beside: tuple[int, ...] = ()
        self._stage = stage
        self._bench = bench
        # what it raises is no error of the runner's
        self._history = stage.foreknowledge.history

    def run(
        self, settings: RunSettings, watch: StatementWatch | None = None
    ) -> SafemigrateError | None:
        """Return the error that the run ended with, or None."""
        signals: list[str] = []

        def hear(event: RunEvent) -> None:
            match event:
                case RevisionStarted() if watch is not None:
                    watch.attend(None)
                case StopRequested():
                    signals.append(event.signal)

        error: SafemigrateError | None = None
        with quarantine(is_silent=True):
            try:
                run_upgrade(
                    self._stage.project,
                    self._stage.revision,
                    settings,
                    progress=hear,
                    check=self._clear,
                    url=self._bench.url,
                )
            except SafemigrateError as err:
                error = err
        for name in signals:
            # the runner took it for its own, and it was ours
            signal.raise_signal(signal.Signals[name])
        return error

    def _clear(self, inquiry: Inquiry) -> Clearance:
        """Return what the runner goes by, as the command does; there is no gate."""
        site = inquiry.site
        self.beside = (site.control.pid,)
        self._bench.version_table = VersionTable(site.version_table.name, site.version_table.schema)
        passages = walk_pending(
            self._history,
            inquiry.pending,
            inquiry.direction,
            before=inquiry.reading(read_server).catalog("the database"),
            version=inquiry.server_version,
        )
        return Clearance(passages=passages)
