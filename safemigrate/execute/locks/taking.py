"""A statement that needs locks gets them, and is sent."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.engine import Connection, Transaction

from safemigrate.execute.conducting import Sent
from safemigrate.execute.events import RunWarned
from safemigrate.execute.locks.savepoints import SavepointCommand, read_savepoint
from safemigrate.execute.locks.saying import (
    REFUSED_LOCK,
    is_lock_timeout,
    lock_at_once,
    read_pid,
    say,
    timed_alone,
)
from safemigrate.execute.locks.stalls import Footing, StallBook
from safemigrate.execute.locks.trying import NEXT_TO_NOTHING, Trial
from safemigrate.execute.locks.vigil import Means, name_holders
from safemigrate.execute.locks.wants import Demand, Want, read_demand
from safemigrate.execute.makings import Makings
from safemigrate.execute.surroundings import Surroundings
from safemigrate.execute.watcher import LockWatcher
from safemigrate.plan import Foreseen
from safemigrate.source import find_sqlstate

__all__ = ["LockTaker"]

# How long rows may be waited for, and others wait for those the transaction has changed; seconds.
_ROWS = 2.0


class LockTaker:
    """Takes the locks of statements, so that the application does not stand behind them.

    A lock that reading or writing has to wait for is taken before the first statement of the
    transaction that needs one, together with all the others that the transaction will need: at
    once where they are free, and else when a look says so, never longer in a queue than
    `lock_timeout`. Locks that nobody feels may be queued for. `makings`: the tables whose locks
    nobody else wants, so that the statements take them by themselves.
    """

    def __init__(self, surroundings: Surroundings, watcher: LockWatcher, makings: Makings) -> None:
        self._makings = makings
        settings = surroundings.plan.settings
        self._surroundings = surroundings
        self._settings = settings
        self._stalls = StallBook(settings.stall_limit)
        self._means = Means(surroundings, watcher, self._stalls)
        # a connection is in one transaction at a time
        self._footings: dict[Connection, tuple[Transaction, Footing]] = {}
        self._is_timed = False
        self._was_held_up = False

    def begin_attempt(self) -> None:
        """Be told that a revision begins, or begins again, in a new transaction."""
        self._let_go()
        self._is_timed = False

    def end_revision(self) -> timedelta:
        """Be told that a revision is committed; return for how long it held locks others feel."""
        self._let_go()
        self._was_held_up = False
        return timedelta(seconds=self._stalls.take_held())

    @property
    def held(self) -> timedelta:
        """For how long the revision in hand holds, or held, locks that others feel, by now."""
        now = self._surroundings.now()
        open_ones = (footing.held(now).values() for _, footing in self._footings.values())
        return timedelta(
            seconds=self._stalls.held + sum(max(times, default=0.0) for times in open_ones)
        )

    def carry(self, sent: Sent) -> None:
        """Take the statement to the server."""
        if sent.foreseen is None:
            sent.send()
            return
        demand = self._read_demand(sent.foreseen)
        self._is_timed = self._is_timed or demand.sets_timeout
        if sent.is_autocommit:
            # the transaction that was before it is over
            self._let_go()
            with self._naming(sent, demand):
                self._carry_alone(sent, demand)
            return
        footing = self._find_footing(sent)
        savepoint = read_savepoint(sent.sql)
        if savepoint is not None:
            self._carry_savepoint(sent, savepoint, footing)
            return
        try:
            with self._naming(sent, demand):
                self._carry_in(sent, demand, footing)
        except Exception as error:
            self._was_held_up = self._was_held_up or is_lock_timeout(error)
            if not footing.saved:
                # what was taken is rolled back
                self._count_holding(footing)
            raise
        footing.has_row_locks = footing.has_row_locks or demand.takes_row_locks
        if demand.ends_transaction:
            self._let_go()
            # what it holds is not known any more, and it may be much
            self._find_footing(sent)

    def is_untouched(self, sent: Sent) -> bool:
        """Return whether no statement has gone this way in the transaction that it is in."""
        known = self._footings.get(sent.connection)
        return known is None or known[0] is not sent.connection.get_transaction()

    def has_row_locks(self, sent: Sent) -> bool:
        """Return whether somebody may wait for rows that the transaction has changed."""
        return not self.is_untouched(sent) and self._find_footing(sent).has_row_locks

    def _carry_savepoint(self, sent: Sent, command: SavepointCommand, footing: Footing) -> None:
        sent.send()
        if command.sets:
            footing.save(command.name)
        elif command.goes_back:
            times = footing.held(self._surroundings.now())
            dropped = footing.roll_back_to(command.name)
            self._stalls.add_held({one: times[one] for one in dropped})

    def _read_demand(self, foreseen: Foreseen) -> Demand:
        """Return what the text wants of what others may want too."""
        demand = read_demand(foreseen)
        if demand.has_weak or demand.takes_row_locks:
            # it may be given long to wait, and so shall not stand in a queue for more than these
            return demand
        now = tuple(one for one in demand.now if not self._makings.has(one.relation))
        ahead = tuple(one for one in demand.ahead if not self._makings.has(one.relation))
        return replace(demand, now=now, ahead=ahead)

    def _carry_in(self, sent: Sent, demand: Demand, footing: Footing) -> None:
        if demand.ends_transaction:
            self._carry_unsaved(sent, demand)
            return
        ahead = [want for want in demand.ahead if not footing.has(want.relation, want.mode)]
        if self._was_held_up and ahead and not footing.modes:
            # before anything is done, because whatever is done has to be done again
            self._was_held_up = False
            Trial(self._means, sent, ahead, end=self._end(footing)).wait()
        now = [want for want in demand.now if not footing.has(want.relation, want.mode)]
        if not now and not demand.is_open:
            self._settle(sent, footing, demand)
            with self._counting((footing.timeout_ms or 0) / 1000):
                sent.send()
            return
        self._settle(sent, footing, None)
        if footing.modes:
            began = self._surroundings.now()
            self._carry_upon(sent, now)
            _hold(footing, now, began)
        else:
            self._carry_first(sent, demand, now, ahead, footing)

    def _carry_first(
        self,
        sent: Sent,
        demand: Demand,
        now: Sequence[Want],
        ahead: Sequence[Want],
        footing: Footing,
    ) -> None:
        """Take the first locks of the transaction that others feel, all of them together."""
        sends = demand.is_open or any(not want.is_lockable for want in now)
        wants = ahead if now else ()
        trial = Trial(
            self._means,
            sent,
            wants,
            end=self._end(footing),
            sends=sends,
            sets_timeout=demand.sets_timeout,
        )
        trial.run()
        _hold(footing, [want for want in wants if want.is_lockable], trial.had_since)
        if not sends:
            sent.send()
        _hold(footing, now, trial.had_since)

    def _carry_upon(self, sent: Sent, now: Sequence[Want]) -> None:
        """Take locks that were not foreseen beside those the transaction holds: at once, or not."""
        lockable = [want for want in now if want.is_lockable]
        try:
            if lockable:
                lock_at_once(sent, lockable)
        except Exception as error:
            if find_sqlstate(error) not in REFUSED_LOCK:
                raise
            lockable = []
        if len(lockable) == len(now) and now:
            sent.send()
            return
        self._set_timeout(sent, NEXT_TO_NOTHING)
        sent.send()
        self._set_timeout(sent, None)

    def _carry_alone(self, sent: Sent, demand: Demand) -> None:
        """Take a statement to the server that is a transaction by itself."""
        if demand.may_commit or demand.ends_transaction:
            self._carry_unsaved(sent, demand)
        elif demand.now:
            self._carry_tried(sent, demand)
        elif (demand.has_weak or demand.takes_row_locks) and not (self._is_timed or demand.is_open):
            patience = self._choose_patience(demand, Footing())
            with timed_alone(sent, patience), self._counting(patience):
                sent.send()
        else:
            sent.send()

    def _carry_tried(self, sent: Sent, demand: Demand) -> None:
        """Try a statement that is a transaction by itself, until it is through."""
        footing = Footing()
        now, sets_timeout = demand.now, demand.sets_timeout
        trial = Trial(self._means, sent, now, end=self._end(footing), sets_timeout=sets_timeout)
        trial.run()
        # from when it was sent: where it stood in the queue, nobody felt the difference
        _hold(footing, now, trial.had_since)
        self._count_holding(footing)

    def _carry_unsaved(self, sent: Sent, demand: Demand) -> None:
        """Take a text to the server that can not be tried twice: it ends transactions itself."""
        if demand.now:
            Trial(self._means, sent, demand.now, end=self._end(Footing())).wait()
        sent.send()

    def _settle(self, sent: Sent, footing: Footing, demand: Demand | None) -> None:
        """Give the transaction the lock_timeout that a text wants which nobody feels waiting.

        None for a text that others may feel: the session's.
        """
        if self._is_timed:
            return
        wanted: int | None = None
        if demand is not None:
            if not demand.has_weak:
                return
            if not footing.modes:
                wanted = round(self._choose_patience(demand, footing) * 1000)
        known = footing.timeout_ms
        if wanted is None and known is None:
            return
        # one that is about as long will do
        if wanted is not None and known is not None and known <= wanted < known * 2:
            return
        self._set_timeout(sent, None if wanted is None else wanted / 1000)
        footing.timeout_ms = wanted

    @contextmanager
    def _naming(self, sent: Sent, demand: Demand) -> Iterator[None]:
        """See who is in the way when a lock is not to be had in the block."""
        try:
            yield
        except Exception as error:
            # in a transaction that has failed the session may not even be asked who it is
            with suppress(Exception):
                if is_lock_timeout(error):
                    name_holders(self._means, (*demand.now, *demand.ahead), read_pid(sent))
            raise

    @contextmanager
    def _counting(self, timeout: float) -> Iterator[None]:
        """Count a lock_timeout that passes in the block, in seconds, as far as nobody saw it."""
        patience = self._surroundings.patience
        before, began = patience.waited, self._surroundings.now()
        try:
            yield
        except Exception as error:
            if is_lock_timeout(error):
                seconds = min(timeout, self._surroundings.now() - began)
                patience.add(seconds - (patience.waited - before))
            raise

    def _choose_patience(self, demand: Demand, footing: Footing) -> float:
        """Return for how long to queue for a lock that nobody feels waiting, in seconds."""
        if demand.takes_row_locks or footing.has_row_locks:
            return _ROWS
        return max(self._surroundings.remaining(), _ROWS)

    def _set_timeout(self, sent: Sent, seconds: float | None) -> None:
        """Set the transaction's lock_timeout, None for the session's."""
        if self._is_timed:
            return
        standard = self._settings.lock_timeout.total_seconds()
        milliseconds = max(round((standard if seconds is None else seconds) * 1000), 1)
        say(sent, f"SET LOCAL lock_timeout = {milliseconds:d}")

    def _end(self, footing: Footing) -> float:
        """Return until when to wait for locks, by the clock, whatever is left of the deadline."""
        now, end = self._surroundings.now(), math.inf
        if self._settings.lock_attempts is not None:
            end = min(end, now + self._settings.lock_timeout.total_seconds())
        if footing.has_row_locks:
            # somebody may wait for these rows
            end = min(end, now + _ROWS)
        return end

    def _find_footing(self, sent: Sent) -> Footing:
        transaction = sent.connection.get_transaction()
        if transaction is None:
            return Footing()
        known = self._footings.get(sent.connection)
        if known is not None:
            if known[0] is transaction:
                return known[1]
            self._count_holding(known[1])
        footing = Footing()
        self._footings[sent.connection] = transaction, footing
        return footing

    def _let_go(self) -> None:
        """Be told that the transactions are over."""
        for _, footing in self._footings.values():
            self._count_holding(footing)
        self._footings.clear()

    def _count_holding(self, footing: Footing) -> None:
        times = footing.held(self._surroundings.now())
        self._stalls.add_held(times)
        seconds = max(times.values(), default=0.0)
        if seconds > self._stalls.limit:
            names = ", ".join(f'"{relation}"' for relation in sorted(footing.modes, key=str))
            text = (
                f"locks on {names} were held for {seconds:.1f} s, which is more than the stall "
                f"budget of {self._stalls.limit:.1f} s"
            )
            self._surroundings.report(RunWarned(text))
        footing.clear()


def _hold(footing: Footing, wants: Sequence[Want], since: float) -> None:
    for want in wants:
        footing.hold(want.relation, want.mode, since)
