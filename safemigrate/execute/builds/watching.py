"""The watch over a build: a thread that tells how far it is, and ends it when it waits too long."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import text
from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.blockers import LockWait, look_for_wait
from safemigrate.execute.builds.build import Build
from safemigrate.execute.control import ControlLostError
from safemigrate.execute.events import BuildProgressed
from safemigrate.execute.outcome import describe_blocker, describe_wait
from safemigrate.execute.surroundings import StopRunError
from safemigrate.model import LockMode, QualifiedName

__all__ = ["BuildWatch", "Part", "describe_start", "give_up", "send_watched"]

Answer = TypeVar("Answer")

_FIRST_LOOK_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.5
_PERCENT_STEP = 5

# https://www.postgresql.org/docs/current/progress-reporting.html#CREATE-INDEX-PROGRESS-REPORTING
_PROGRESS = text(
    """
    SELECT phase, lockers_done, lockers_total, blocks_done, blocks_total, tuples_done, tuples_total
    FROM pg_stat_progress_create_index WHERE pid = CAST(:pid AS integer)
    """
)
# https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL
_CANCEL = text(
    """
    SELECT pg_cancel_backend(pid) FROM pg_locks
    WHERE pid = CAST(:pid AS integer) AND NOT granted LIMIT 1
    """
)
_WAITING = "waiting"
_COUNTS_BLOCKS = "scanning"


@dataclass(frozen=True, slots=True)
class Part:
    """Which of several partitions is in hand, from 1; 1 of 1 for a plain table."""

    number: int = 1
    count: int = 1


class BuildWatch:
    """Looks at a session while it builds; to be used once.

    `gave_up`: for whom the build waited when the run had waited for all of its deadline and it was
    cancelled for it; None while it was not. What works is never cut off. `waited`: the seconds for
    which it was seen to wait. `felt`: a relation for whose ACCESS EXCLUSIVE it is not to stand in
    the queue for longer than lock_timeout, for the application stands behind it there; it was, and
    was cancelled for it, where `was_held_up`.
    """

    def __init__(self, build: Build, part: Part, felt: QualifiedName | None = None) -> None:
        self.gave_up: LockWait | None = None
        self.was_held_up = False
        self.waited = 0.0
        self._felt = felt
        self._stands_since: float | None = None
        self._counted = 0.0
        self._build = build
        self._part = part
        self._told: BuildProgressed | None = None
        self._waits_since: float | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="safemigrate-build", daemon=True)

    def __enter__(self) -> Self:
        # this watch tells of what it waits for, and two need not
        self._build.watcher.end_statement()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()
        self._count_wait(None)

    def _watch(self) -> None:
        pause = _FIRST_LOOK_SECONDS
        while not self._is_over.wait(pause):
            longest = _LONGEST_PAUSE_SECONDS if self._felt is None else _FIRST_LOOK_SECONDS
            pause = min(pause * 1.5, longest)
            try:
                self._attend(*self._run(self._look))
            except (ControlLostError, SQLAlchemyError):
                # the run itself notices, before its next revision
                return

    def _run(self, question: Callable[[Connection], Answer]) -> Answer:
        return self._build.surroundings.site.control.run(question)

    def _look(self, connection: Connection) -> tuple[LockWait | None, RowMapping | None]:
        wait = look_for_wait(connection, self._build.pid)
        progress = connection.execute(_PROGRESS, {"pid": self._build.pid})
        return wait, progress.mappings().one_or_none()

    def _attend(self, wait: LockWait | None, row: RowMapping | None) -> None:
        self._count_wait(wait)
        if self._is_over.is_set():
            return
        if wait is not None:
            self._build.note(wait)
        if row is not None or wait is not None:
            self._tell(self._describe(row, wait))
        if wait is not None and self._is_too_late():
            self.gave_up = wait
        self.was_held_up = self.was_held_up or self._is_held_up(wait)
        if self.gave_up is not None or self.was_held_up:
            self._run(lambda connection: connection.execute(_CANCEL, {"pid": self._build.pid}))

    def _count_wait(self, wait: LockWait | None) -> None:
        now = self._build.surroundings.now()
        if self._waits_since is not None:
            self.waited += now - self._waits_since
            if wait is None:
                self._build.surroundings.patience.end()
        elif wait is not None:
            self._build.surroundings.patience.begin()
        self._waits_since = now if wait is not None else None

    def _is_too_late(self) -> bool:
        # beyond the deadline every lock is still waited for as long as one attempt takes
        patience = self._build.surroundings.plan.settings.lock_timeout.total_seconds()
        return self._build.surroundings.remaining() < 0 and self.waited > patience

    def _is_held_up(self, wait: LockWait | None) -> bool:
        """Return whether it stands in front of the application for too long already."""
        if wait is None or wait.name != self._felt or wait.mode != LockMode.ACCESS_EXCLUSIVE.value:
            self._stands_since = None
            return False
        now = self._build.surroundings.now()
        if self._stands_since is None:
            self._stands_since = now
        self._build.sent.effort.stalled += now - max(self._stands_since, self._counted)
        self._counted = now
        patience = self._build.surroundings.plan.settings.lock_timeout.total_seconds()
        return now - self._stands_since > patience

    def _describe(self, row: RowMapping | None, wait: LockWait | None) -> BuildProgressed:
        build, part = self._build, self._part
        counted = dict(row) if row is not None else {}
        phase = str(counted.pop("phase", "waiting for a lock"))
        numbers = {name: int(counted.get(name) or 0) for name in _COUNTED}
        return BuildProgressed(
            revision=build.revision,
            statement=build.statement,
            phase=phase,
            percent=_percent(phase, numbers),
            part=part.number,
            parts=part.count,
            wait=wait,
            **numbers,
        )

    def _tell(self, event: BuildProgressed) -> None:
        told = self._told
        if told is not None and not _is_news(told, event):
            return
        self._told = event
        self._build.report(event)


_COUNTED = (
    "lockers_done",
    "lockers_total",
    "blocks_done",
    "blocks_total",
    "tuples_done",
    "tuples_total",
)


def _percent(phase: str, numbers: dict[str, int]) -> int | None:
    """Return how far the phase is; which of the counters moves depends on it."""
    if phase.startswith(_WAITING):
        unit = "lockers"
    elif _COUNTS_BLOCKS in phase or not numbers["tuples_total"]:
        unit = "blocks"
    else:
        unit = "tuples"
    total = numbers[f"{unit}_total"]
    # the table may grow meanwhile
    return min(100 * numbers[f"{unit}_done"] // total, 100) if total else None


def _is_news(told: BuildProgressed, event: BuildProgressed) -> bool:
    if told.phase != event.phase or _pids(told.wait) != _pids(event.wait):
        return True
    return (event.percent or 0) - (told.percent or 0) >= _PERCENT_STEP


def _pids(wait: LockWait | None) -> frozenset[int]:
    return frozenset(blocker.pid for blocker in wait.blockers) if wait is not None else frozenset()


# The attribute of an error that came of a cancellation because it held the application up.
_HELD_UP = "safemigrate_held_up"


def was_held_up(error: Exception) -> bool:
    """Return whether the statement was ended because the application stood behind it."""
    return bool(getattr(error, _HELD_UP, False))


def send_watched(
    build: Build,
    send: Callable[[], object],
    part: Part | None = None,
    felt: QualifiedName | None = None,
) -> None:
    """Send what may wait for long, and watch it.

    `felt`: as `BuildWatch` has it. Raises StopRunError when it waited for all that was left of the
    deadline, and what `send` raises.
    """
    watch = BuildWatch(build, part or Part(), felt)
    try:
        with watch:
            send()
    except Exception as err:
        if watch.gave_up is not None:
            raise give_up(build, watch.gave_up) from err
        if watch.was_held_up:
            setattr(err, _HELD_UP, True)
        raise
    finally:
        build.sent.effort.waited += watch.waited


def describe_start(build: Build, part: Part) -> BuildProgressed:
    """Return the event of a partition whose turn it is."""
    numbers = dict.fromkeys(_COUNTED, 0)
    return BuildProgressed(
        revision=build.revision,
        statement=build.statement,
        phase="initializing",
        percent=None,
        part=part.number,
        parts=part.count,
        wait=None,
        **numbers,
    )


def give_up(build: Build, wait: LockWait) -> StopRunError:
    """Return the error for a build that waited for all that was left of the deadline."""
    held = " and ".join(map(describe_blocker, wait.blockers)) or "nobody that can be seen"
    return StopRunError(
        f"gave up waiting for {describe_wait(wait)} when the deadline had passed, held by {held}, "
        f"in: {build.statement}"
    )
