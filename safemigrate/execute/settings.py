"""How a run behaves, and the clock it goes by."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

__all__ = ["RunSettings", "Timing"]


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock and the dice of a run.

    `now`: seconds of a clock that never goes back. `sleep`: waits for that many seconds; None
    means to wait so that a signal ends it. `draw`: a number between the two given.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None
    draw: Callable[[float, float], float] = random.uniform


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How long a run waits for locks.

    `lock_timeout`: how long one attempt may stand in a lock's queue, and so how long the
    application can be held up by it. Half a second is short enough for a request to survive;
    a lock that short transactions hold is had well within it.
    `lock_attempts`: how often a revision is tried; None as often as the deadline allows.
    `deadline`: how long all waiting of the run, for the deploy lock too, may take. Nothing that
    runs is cut off by it.
    """

    lock_timeout: timedelta = timedelta(milliseconds=500)
    lock_attempts: int | None = None
    deadline: timedelta = timedelta(seconds=300)
    timing: Timing = field(default_factory=Timing)
