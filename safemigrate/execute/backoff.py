"""How long to stay away from a lock after an attempt was given up."""

from collections.abc import Callable
from datetime import timedelta

__all__ = ["pause_after"]

_LONGEST = timedelta(seconds=30)
# More doublings than this pass the longest pause from any timeout that makes sense.
_MOST_DOUBLINGS = 16


def pause_after(
    attempt: int,
    lock_timeout: timedelta,
    draw: Callable[[float, float], float],
    *,
    longest: timedelta = _LONGEST,
) -> timedelta:
    """Return the pause after the failed attempt with this 1-based number.

    Exponential with full jitter: anything between nothing and the lock timeout, doubled with
    every attempt, at most `longest`. The application, which an attempt held up for the lock
    timeout, so has ever longer to catch up; and two runners that met once do not meet again.
    """
    ceiling = lock_timeout * 2 ** min(attempt, _MOST_DOUBLINGS)
    return timedelta(seconds=draw(0.0, min(ceiling, longest).total_seconds()))
