"""How a run behaves, and the clock it goes by."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum

__all__ = ["RunSettings", "Timing", "WhenBusy"]


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock and the dice of a run.

    `now`: seconds of a clock that never goes back. `sleep`: waits for that many seconds; None
    means to wait so that a signal ends it. `draw`: a number between the two given.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None
    draw: Callable[[float, float], float] = random.uniform


class WhenBusy(Enum):
    """What is done about a table that is never free.

    `WAIT`: to wait beside the queue. `RAMP`: to stand in it for ever longer, at most a fifth of the
    time. `CANCEL`, `TERMINATE`: to end the statements, or the sessions, of those who are listed.
    """

    WAIT = "wait"
    RAMP = "ramp"
    CANCEL = "cancel"
    TERMINATE = "terminate"


_STALL_BUDGET = timedelta(seconds=1)
# Every step of the ramp once, and a little more.
_STALL_BUDGET_OF_RAMP = timedelta(seconds=4)


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How long a run waits for locks.

    `lock_timeout`: how long one attempt may stand in a lock's queue, and so how long the
    application can be held up by it. A lock that short transactions hold is had well within it,
    and for those that hold one longer the run waits beside the queue.
    `lock_attempts`: how often a revision is tried, each for no longer than `lock_timeout`; None as
    often as the deadline allows.
    `deadline`: how long all waiting of the run, for the deploy lock too, may take. Work does not
    count, and is not cut off by it.
    `stall_budget`: how long the run may stand, in all, in the queues of one table's locks where
    the application has to wait behind it; None for what fits `when_busy`.
    `expendable_roles`, `expendable_applications`: whoever is in one of these lists may be ended.
    """

    lock_timeout: timedelta = timedelta(milliseconds=100)
    lock_attempts: int | None = None
    deadline: timedelta = timedelta(seconds=300)
    timing: Timing = field(default_factory=Timing)
    stall_budget: timedelta | None = None
    when_busy: WhenBusy = WhenBusy.WAIT
    expendable_roles: tuple[str, ...] = ()
    expendable_applications: tuple[str, ...] = ()

    @property
    def stall_limit(self) -> timedelta:
        """The stall budget that is in force."""
        if self.stall_budget is not None:
            return self.stall_budget
        return _STALL_BUDGET_OF_RAMP if self.when_busy is WhenBusy.RAMP else _STALL_BUDGET
