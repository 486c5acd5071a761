"""An upgrade cut off somewhere, and run again as plain Alembic would run it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from safemigrate.verify.bench import Bench, Move, StepFault
from safemigrate.verify.cuts.conditions import Condition, Goal, look, upgrade
from safemigrate.verify.cuts.faults import Fault, lose_sessions
from safemigrate.verify.cuts.statements import Sending, SentStatement, StatementWatch
from safemigrate.verify.stage import Stage, State

__all__ = ["Cut", "Detour", "Survey", "Trial", "survey_upgrade", "try_cuts"]


@dataclass(frozen=True, slots=True)
class Cut:
    """A fault that strikes a statement of the upgrade, by its position in a run before."""

    statement: SentStatement
    fault: Fault = lose_sessions

    def strikes(self, statement: SentStatement) -> bool:
        """Return whether the statement is the one."""
        return statement.position == self.statement.position


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of an upgrade after a fault.

    `statement`: the one that was struck. `left`: how the database differed from the state before.
    `was_done`: the run said that the revision is done, all the same.
    `error`: why the run after it failed, or "", and `hint` what it advises. `missed`: how what it
    led to differs from the goal. `fault`: what struck.
    """

    statement: SentStatement
    left: tuple[str, ...] = ()
    was_done: bool = False
    error: str = ""
    hint: str = ""
    missed: tuple[str, ...] = ()
    fault: Fault = lose_sessions

    @property
    def is_harmless(self) -> bool:
        """Whether the state before was there, or the right end was reached."""
        return not self.error and not self.missed


@dataclass(frozen=True, slots=True)
class Detour:
    """A cut that was not made: the upgrade took another way this time, and never came there.

    `error`: why that run failed, or "".
    """

    cut: Cut
    error: str = ""


@dataclass(frozen=True, slots=True)
class Survey:
    """The statements of an upgrade that was cut off before the version table's row.

    `trial`: what that cut led to; None where that row was not seen to be written.
    `error`: why the upgrade failed by itself, or "".
    """

    sent: tuple[SentStatement, ...]
    trial: Trial | None = None
    error: str = ""


def survey_upgrade(stage: Stage, goal: Goal) -> Survey:
    """Run the upgrade up to its last statement, the version table's row, and cut it off there."""
    with stage.database(State.BEFORE) as bench:
        attempt = _Attempt(
            bench,
            stage,
            lambda statement: _writes_version(statement, bench.version_table.name),
            lose_sessions,
        )
        fault = attempt.run()
        sent = tuple(attempt.watch.sent)
        if attempt.struck is None:
            return Survey(sent, error="" if fault is None else fault.reason)
        return Survey(sent, attempt.follow(goal))


def try_cuts(stage: Stage, goal: Goal, cuts: Iterable[Cut]) -> Iterator[Trial | Detour]:
    """Yield what came of each cut; a copy is used again where nothing was left on it."""
    pending = list(cuts)
    while pending:
        with stage.database(State.BEFORE) as bench:
            before = None
            while pending:
                cut = pending.pop(0)
                attempt = _Attempt(bench, stage, cut.strikes, cut.fault, before)
                fault = attempt.run()
                if attempt.struck is None and before is not None:
                    # a sequence, which no rollback takes back, can lead another way: a fresh copy
                    pending.insert(0, cut)
                    break
                if attempt.struck is None:
                    yield Detour(cut, "" if fault is None else fault.reason)
                    break
                trial = replace(attempt.follow(goal), fault=cut.fault)
                yield trial
                if trial.left or trial.was_done:
                    break
                before = attempt.before


class _Attempt:
    """One run of the upgrade with a fault in it.

    `strikes`: whether the fault is to happen to a statement; the first one it does is `struck`.
    `before`: the condition before the run; it is looked at when env.py has said which the version
    table is, unless it is known.
    """

    def __init__(
        self,
        bench: Bench,
        stage: Stage,
        strikes: Callable[[SentStatement], bool],
        fault: Fault,
        before: Condition | None = None,
    ) -> None:
        self.before = before
        self.struck: SentStatement | None = None
        self.watch = StatementWatch(str(stage.script.path), self._strike)
        self._bench = bench
        self._stage = stage
        self._strikes = strikes
        self._fault = fault

    def run(self) -> StepFault | None:
        """Run the upgrade; return how it ended."""
        with self.watch.watching():
            return self._bench.run([upgrade(self._stage)], on_state=self._attend)

    def follow(self, goal: Goal) -> Trial:
        """Look at what is left, and run it again where that is not the state before."""
        if self.struck is None or self.before is None:
            raise AssertionError
        found = look(self._bench, self._stage.revision)
        left = self.before.compare(found)
        if found.is_stamped:
            # Alembic would run nothing any more
            return Trial(self.struck, left, was_done=True, missed=goal.compare(found))
        if not left:
            return Trial(self.struck)
        fault = self._bench.run([upgrade(self._stage)])
        if fault is not None:
            return Trial(self.struck, left, error=fault.reason)
        ended = look(self._bench, self._stage.revision)
        return Trial(self.struck, left, missed=goal.compare(ended))

    def _attend(self, move: Move | None) -> None:
        if move is None and self.before is None:
            self.before = look(self._bench, self._stage.revision)
        self.watch.attend(move)

    def _strike(self, sending: Sending) -> bool:
        if self.struck is not None or not self._strikes(sending.statement):
            return False
        self.struck = sending.statement
        return self._fault(self._bench, sending)


def _writes_version(statement: SentStatement, table: str) -> bool:
    first = statement.sql.split(maxsplit=1)[0].upper() if statement.sql.strip() else ""
    return (
        statement.line == 0 and first in {"DELETE", "INSERT", "UPDATE"} and table in statement.sql
    )
