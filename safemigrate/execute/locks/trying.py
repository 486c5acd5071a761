"""A text's locks tried for, until they are had or it is time to give up."""

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from safemigrate.execute.conducting import Sent
from safemigrate.execute.locks.ending import Ending
from safemigrate.execute.locks.saying import (
    REFUSED_LOCK,
    evict_alone,
    evict_in_transaction,
    is_lock_refused,
    is_lock_timeout,
    lock_at_once,
    lock_in_queue,
    read_pid,
    timed,
    timed_alone,
    within_savepoint,
)
from safemigrate.execute.locks.vigil import UNKNOWN, Means, Turn, Vigil
from safemigrate.execute.locks.wants import Want
from safemigrate.model import LockMode, QualifiedName
from safemigrate.source import find_sqlstate

__all__ = ["NEXT_TO_NOTHING", "Trial"]

# For how long a statement may stand in a queue while its transaction holds other locks; seconds.
NEXT_TO_NOTHING = 0.02


class Trial:
    """Gets a text its locks, and sends it where that is a part of getting them.

    `wants`: what it and the rest of its transaction take. `end`: by the clock, when to give up,
    should there be anything left of the deadline until then.
    `sends`: the text takes locks that LOCK TABLE does not, or may, and is sent with every try.
    `sets_timeout`: it says itself how long to wait for locks, which holds from then on.
    `had_since`: when the try that went well had its first lock, by the clock; where the text takes
    it, when that was sent.
    """

    def __init__(
        self,
        means: Means,
        sent: Sent,
        wants: Sequence[Want],
        *,
        end: float,
        sends: bool = False,
        sets_timeout: bool = False,
    ) -> None:
        self._means = means
        self._sent = sent
        self._lockable = [want for want in wants if want.is_lockable and not sent.is_autocommit]
        self._sealed = [want for want in wants if want not in self._lockable]
        self._sends = sends or sent.is_autocommit
        self._sets_timeout = sets_timeout
        self.had_since = 0.0
        self._end = end
        self._pid: int | None = None
        self._vigil: Vigil | None = None
        self._queueing: tuple[QualifiedName | None, float] = (None, 0.0)
        self._timeout = means.surroundings.plan.settings.lock_timeout.total_seconds()

    def run(self) -> None:
        """Return with the locks, and the text sent where `sends` says so.

        Raises the driver's error of the last try when they are not to be had, and any other.
        """
        # where everything is free a look would only cost time
        error = self._try(Turn(0.0))
        while error is not None:
            turn = self._watch().next_turn()
            if turn is None:
                raise error
            error = self._try(turn)
            if error is not None:
                self._watch().note_failure(turn, *self._queueing)
                if self._watch().is_over:
                    raise error

    def wait(self) -> None:
        """Return when the locks look free, or it is time to give up; nothing is taken."""
        self._watch().next_turn()

    def _watch(self) -> Vigil:
        if self._vigil is None:
            self._vigil = Vigil(
                self._means,
                (*self._lockable, *self._sealed),
                self._sent.effort,
                self._read_pid(),
                evict=self._evict,
                keep_alive=lambda: self._sent.run("SELECT 1"),
                end=self._end,
            )
        return self._vigil

    def _read_pid(self) -> int:
        if self._pid is None:
            self._pid = read_pid(self._sent)
        return self._pid

    def _evict(self, relation: QualifiedName, is_toast: bool) -> None:  # noqa: FBT001 - called back with both
        want = Want(relation, LockMode.SHARE_UPDATE_EXCLUSIVE, is_lockable=True)
        if not self._sent.is_autocommit:
            evict_in_transaction(self._sent, want, is_toast=is_toast)
        elif not is_toast:
            evict_alone(self._sent, want)

    def _try(self, turn: Turn) -> Exception | None:
        """Return the driver's error when a lock was not to be had this time."""
        self._queueing = (None, 0.0)
        try:
            self._attempt(turn)
        except Exception as error:
            if is_lock_timeout(error):
                return error
            if find_sqlstate(error) not in REFUSED_LOCK or not self._set_aside():
                raise
            return self._try(turn)
        return None

    def _attempt(self, turn: Turn) -> None:
        if self._sent.is_autocommit:
            with timed_alone(self._sent, turn.queue, keeps_new=self._sets_timeout):
                self.had_since = self._means.surroundings.now()
                self._send(turn, self._sealed)
        elif not turn.queue and not self._sends:
            self._lock_at_once()
            self.had_since = self._means.surroundings.now()
        else:
            with within_savepoint(self._sent):
                self._lock_and_send(turn)

    def _lock_at_once(self) -> None:
        if self._lockable:
            lock_at_once(self._sent, self._lockable)

    def _lock_and_send(self, turn: Turn) -> None:
        """Queue for one lock, take the others as they are, and send the text if it is to be."""
        queued = False
        for want in tuple(self._lockable):
            nowait = queued or not turn.queue
            try:
                with self._standing(turn, want.relation, stands=not nowait):
                    lock_in_queue(self._sent, want, nowait=nowait)
            except Exception:
                # next time this is the one to queue for
                self._lockable.remove(want)
                self._lockable.insert(0, want)
                raise
            if not queued:
                self.had_since = self._means.surroundings.now()
            queued = True
        if not self._sends:
            return
        if queued:
            with timed(self._sent, NEXT_TO_NOTHING, keeps_new=self._sets_timeout):
                self._sent.send()
        else:
            with timed(self._sent, turn.queue, keeps_new=self._sets_timeout):
                if not self._lockable:
                    self.had_since = self._means.surroundings.now()
                self._send(turn, self._sealed)

    def _send(self, turn: Turn, sealed: Sequence[Want]) -> None:
        relation = sealed[0].relation if sealed else UNKNOWN
        watcher = self._means.watcher
        known = watcher.take_wait()
        watcher.begin_statement()
        began = self._means.surroundings.now()
        try:
            with self._ending(turn):
                self._sent.send()
        except Exception:
            seconds = self._means.surroundings.now() - began
            wait = watcher.take_wait()
            if wait is not None and wait.name is not None and wait.mode is not None:
                relation = wait.name
                self._learn(Want(wait.name, LockMode(wait.mode), is_lockable=False))
            watcher.last_wait = wait or known
            # a try of no length is in nobody's way
            self._queueing = (relation, min(seconds, turn.queue))
            raise

    def _learn(self, want: Want) -> None:
        """Look for a lock that was not foreseen, from now on."""
        wants = self._watch().wants
        if all(one.relation != want.relation or one.mode < want.mode for one in wants):
            wants.append(want)

    @contextlib.contextmanager
    def _standing(self, turn: Turn, relation: QualifiedName, *, stands: bool) -> Iterator[None]:
        """Count the block as time in the queue of the relation's lock."""
        if not stands:
            self._queueing = (None, 0.0)
            yield
            return
        # it sees soon what a new statement waits for, and later only every second
        self._means.watcher.begin_statement()
        with timed(self._sent, turn.queue):
            began = self._means.surroundings.now()
            try:
                with self._ending(turn), self._means.surroundings.patience.waiting():
                    yield
            except Exception:
                self._queueing = (relation, self._means.surroundings.now() - began)
                raise
            # what follows it is work
            self._means.watcher.begin_statement()
            self._watch().note_queue(relation, self._means.surroundings.now() - began)

    def _ending(self, turn: Turn) -> AbstractContextManager[object]:
        if turn.ends_after is None:
            return nullcontext()
        return Ending(self._means.surroundings, self._read_pid(), turn.ends_after)

    def _set_aside(self) -> bool:
        """Find locks that LOCK TABLE does not take here, so that they are only looked for."""
        refused = [want for want in self._lockable if is_lock_refused(self._sent, want)]
        self._lockable = [want for want in self._lockable if want not in refused]
        self._sealed += refused
        self._sends = self._sends or bool(refused)
        return bool(refused)
