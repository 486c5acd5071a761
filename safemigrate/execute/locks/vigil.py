"""The vigil: waiting beside the queue until a lock is worth a try."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.backoff import pause_after
from safemigrate.execute.blockers import Blocker, LockWait
from safemigrate.execute.conducting import StatementEffort
from safemigrate.execute.control import ControlLostError, translating_loss
from safemigrate.execute.events import RunWarned, TableBusy
from safemigrate.execute.locks.ending import explain_sparing, is_expendable
from safemigrate.execute.locks.looking import Sighting, look_at
from safemigrate.execute.locks.stalls import StallBook
from safemigrate.execute.locks.wants import Want
from safemigrate.execute.outcome import describe_blocker
from safemigrate.execute.settings import WhenBusy
from safemigrate.execute.surroundings import Surroundings
from safemigrate.execute.watcher import LockWatcher
from safemigrate.model import QualifiedName

__all__ = ["UNKNOWN", "Means", "Turn", "Vigil", "name_holders"]

# In whose queue a text stood that was not foreseen to stand in one.
UNKNOWN = QualifiedName(None, "")

# What is older than this does not end by itself within an attempt; in seconds, as all here.
_OLD = 0.1
_FIRST_POLL = 0.01
_LONGEST_POLL = 0.1
# How long a table may be busy before the policy does more than wait.
_PATIENCE = 5.0
_RAMP = (0.25, 0.5, 1.0, 2.0)
# The share of the time in which the ramp stands in the queue is one in so many.
_DUTY = 5
_LONGEST_PAUSE = timedelta(seconds=2)
_TOLD_AT_MOST_EVERY = 1.0
_TOLD_AT_LEAST_EVERY = 5.0
# An open transaction that says nothing for long is ended by idle_in_transaction_session_timeout.
_SIGN_OF_LIFE_EVERY = 1.0
# An attempt that is shorter than this is no better than one that does not wait.
_SHORTEST_QUEUE = 0.005


@dataclass(frozen=True, slots=True)
class Turn:
    """A try that is due: for how long it may stand in a queue, zero for not at all.

    `ends_after`: when, in the queue, those who may be ended are; None for never.
    """

    queue: float
    ends_after: float | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What a vigil goes by, the same for a whole run."""

    surroundings: Surroundings
    watcher: LockWatcher
    stalls: StallBook


class Vigil:
    """Waits for relations to be free of old transactions, for one text.

    `pid`: of the session that wants them. `evict`: makes an autovacuum of a relation, or of its
    TOAST table if the second argument says so, go away.
    `keep_alive`: says something on the session. `end`: by the clock, when to give up, should there
    be anything left of the deadline until then.
    """

    def __init__(
        self,
        means: Means,
        wants: Sequence[Want],
        effort: StatementEffort,
        pid: int,
        *,
        evict: Callable[[QualifiedName, bool], None],
        keep_alive: Callable[[], None],
        end: float,
    ) -> None:
        self.wants = list(wants)
        self.pid = pid
        self._means = means
        self._surroundings = means.surroundings
        self._settings = means.surroundings.plan.settings
        self._effort = effort
        self._evict = evict
        self._keep_alive = keep_alive
        self._end = end
        self._began = self._alive = self._now()
        self._patience = min(_PATIENCE, self._left() / 2)
        self._not_before = self._began
        self._queued = 0
        self._seen: dict[str, float] = {}
        self._evicted: set[tuple[QualifiedName, str]] = set()
        self._spared: set[tuple[int, str]] = set()
        self._told: tuple[float, frozenset[int]] | None = None

    def next_turn(self) -> Turn | None:
        """Wait, and return the try that is due, or None when it is time to give up.

        Raises StopRunError when the run is asked to stop.
        """
        began = self._now()
        try:
            with self._surroundings.patience.waiting():
                return self._wait()
        finally:
            self._effort.waited += self._now() - began

    @property
    def is_over(self) -> bool:
        """Whether it is time to give up."""
        return not self._left()

    def _wait(self) -> Turn | None:
        pause = _FIRST_POLL
        while True:
            self._surroundings.check_stop()
            old = self._look()
            turn = None if self._drive_out(old) else self._choose(old)
            if turn is not None:
                return turn
            if old:
                self._tell(old)
            if self.is_over:
                return None
            self._sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL)

    def note_failure(self, turn: Turn, relation: QualifiedName | None, seconds: float) -> None:
        """Be told that a try failed, after so long in the queue of that relation, if in one."""
        self._effort.attempts += 1
        draw = self._settings.timing.draw
        if relation is None or not turn.queue:
            # it was in nobody's way
            self._not_before = self._now() + draw(0.0, _FIRST_POLL)
            return
        self.note_queue(relation, seconds)
        self._queued += 1
        if turn.queue > self._settings.lock_timeout.total_seconds():
            pause = (_DUTY - 1) * seconds
        else:
            pause = pause_after(
                self._queued, self._settings.lock_timeout, draw, longest=_LONGEST_PAUSE
            ).total_seconds()
        self._not_before = self._now() + pause

    def note_queue(self, relation: QualifiedName, seconds: float) -> None:
        """Count time in the queue of a relation's lock."""
        self._means.stalls.add_queued(relation, seconds)
        self._effort.stalled += seconds

    def _look(self) -> tuple[Sighting, ...]:
        """Return what is in the way and will not be gone in a moment."""
        wants, pid = tuple(self.wants), self.pid
        control = self._surroundings.site.control
        with translating_loss():
            found = control.run(lambda connection: look_at(connection, wants, pid))
        now = self._now()
        is_first = not self._seen and now - self._began < _OLD
        for one in found:
            # what is there at the first look may have been for long
            self._seen.setdefault(one.transaction, self._began - _OLD if is_first else now)
        return tuple(one for one in found if self._age(one, now) >= _OLD)

    def _age(self, sighting: Sighting, now: float) -> float:
        age = sighting.holder.age
        return now - self._seen[sighting.transaction] if age is None else age.total_seconds()

    def _drive_out(self, old: Sequence[Sighting]) -> bool:
        """Make the autovacuums go away that PostgreSQL would end for who waits long enough."""
        for one in old:
            key = (one.relation, one.transaction)
            if one.is_vacuum and not one.is_untouchable and key not in self._evicted:
                self._evicted.add(key)
                self._tell(old)
                self._evict(one.relation, one.is_toast)
                return True
        return False

    def _choose(self, old: Sequence[Sighting]) -> Turn | None:
        now = self._now()
        if now < self._not_before:
            return None
        wanted = [want.relation for want in self.wants] or [UNKNOWN]
        left = self._means.stalls.left(wanted)
        if left < _SHORTEST_QUEUE:
            self._tell_of_spent(wanted)
        timeout = self._settings.lock_timeout.total_seconds()
        if not old:
            queue = min(timeout, left)
            return Turn(queue if queue >= _SHORTEST_QUEUE else 0.0)
        if now - self._began < self._patience or left < _SHORTEST_QUEUE:
            return None
        match self._settings.when_busy:
            case WhenBusy.WAIT:
                return None
            case WhenBusy.RAMP:
                return Turn(min(_RAMP[min(self._queued, len(_RAMP) - 1)], left))
            case WhenBusy.CANCEL | WhenBusy.TERMINATE:
                self._tell_spared(old)
                if all(is_expendable(one.holder, self._settings) for one in old):
                    # short transactions are given the time to end by themselves
                    return Turn(min(2.5 * timeout, left), min(timeout, left) / 2)
                return None

    def _tell_of_spent(self, wanted: Iterable[QualifiedName]) -> None:
        """Say once of each relation that it is not queued for any more."""
        stalls = self._means.stalls
        for relation in wanted:
            if relation not in stalls.told and stalls.left([relation]) < _SHORTEST_QUEUE:
                stalls.told.add(relation)
                text = (
                    f'the stall budget of {stalls.limit:.1f} s is spent for "{relation}", which is '
                    "asked for without queueing from now on"
                )
                self._surroundings.report(RunWarned(text))

    def _tell_spared(self, old: Sequence[Sighting]) -> None:
        """Say of each holder that the policy does not end why that is so."""
        for holder in _unique(one.holder for one in old):
            reason = explain_sparing(holder, self._settings)
            if not reason or (holder.pid, reason) in self._spared:
                continue
            self._spared.add((holder.pid, reason))
            text = f"not ended: {describe_blocker(holder)}; it {reason}"
            self._surroundings.report(RunWarned(text))

    def _tell(self, old: Sequence[Sighting]) -> None:
        """Say for whom the run waits: when that changes, and every few seconds."""
        now = self._now()
        wait = _describe(old, self.wants)
        holders = wait.blockers
        self._effort.blockers = _unique((*self._effort.blockers, *holders))
        # the error names them, should the run have to give up
        self._means.watcher.note(wait)
        pids = frozenset(holder.pid for holder in holders)
        if self._told is not None:
            at, known = self._told
            least = _TOLD_AT_LEAST_EVERY if pids == known else _TOLD_AT_MOST_EVERY
            if now - at < least:
                return
        self._told = (now, pids)
        waited = timedelta(seconds=now - self._began)
        self._surroundings.report(TableBusy(old[0].shown, wait.mode or "", holders, waited))

    def _sleep(self, pause: float) -> None:
        now = self._now()
        if now - self._alive >= _SIGN_OF_LIFE_EVERY:
            self._alive = now
            self._keep_alive()
        due = self._not_before - now
        if due > 0:
            pause = min(pause, due)
        self._surroundings.sleep(min(pause, self._left()))

    def _left(self) -> float:
        """Return for how long it may go on."""
        return max(min(self._end - self._now(), self._surroundings.remaining()), 0.0)

    def _now(self) -> float:
        return self._surroundings.now()


def name_holders(means: Means, wants: Sequence[Want], pid: int) -> None:
    """Look once who is in the way, where nobody was seen to be, so that the error can name them."""
    if not wants or means.watcher.last_wait is not None:
        return
    control = means.surroundings.site.control
    with suppress(ControlLostError, SQLAlchemyError):
        found = control.run(lambda connection: look_at(connection, wants, pid))
        if found:
            means.watcher.note(_describe(found, wants))


def _describe(found: Sequence[Sighting], wants: Iterable[Want]) -> LockWait:
    """Return what is waited for: the relation of the first, and all who are in the way there."""
    first = found[0]
    holders = _unique(one.holder for one in found if one.relation == first.relation)
    mode = next(one.mode for one in wants if one.relation == first.relation).value
    return LockWait(first.shown, mode, holders, first.relation)


def _unique(holders: Iterable[Blocker]) -> tuple[Blocker, ...]:
    """Return each session once, as it was seen last."""
    return tuple({one.pid: one for one in holders}.values())
