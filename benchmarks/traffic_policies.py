"""How others take a lock, replayed: what each waits for it, and how long it pauses then.

The numbers are the defaults that each is documented with. `None` for a timeout is none at all.
"""

import itertools
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql
from traffic import libpq_url

__all__ = ["POLICIES", "Attempts", "Policy", "attempt"]

# (lock_timeout in ms, pause after it in seconds)
Attempts = Iterator[tuple[float, float]]

# The first of GitLab's 41, in seconds; the next pauses are longer than any benchmark.
_GITLAB = (
    (0.1, 0.05),
    (0.1, 0.05),
    (0.2, 0.05),
    (0.3, 0.1),
    (0.4, 0.15),
    (0.5, 2),
    (0.5, 2),
    (0.5, 2),
    (0.5, 2),
    (1, 5),
    (1, 60),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A name, and what it attempts."""

    name: str
    attempts: Callable[[random.Random], Attempts]


def _ten_seconds(_: random.Random) -> Attempts:
    return iter([(10_000, 10.0)] * 4)


def _two_seconds(draw: random.Random) -> Attempts:
    for number in range(10):
        yield 2_000, draw.uniform(0, min(30, 2**number))


def _half_a_second(draw: random.Random) -> Attempts:
    for number in itertools.count():
        yield 500, draw.uniform(0, min(60, 2**number))


def _gitlab(_: random.Random) -> Attempts:
    return iter([(timeout * 1000, pause) for timeout, pause in _GITLAB])


def _fifth_of_a_second(draw: random.Random) -> Attempts:
    # the pause is rounded up to whole seconds, as it is there
    for number in range(31):
        yield 200, float(math.ceil(draw.random() * min(60, 0.01 * 2**number)))


def _ramp(_: random.Random) -> Attempts:
    for number in itertools.count(1):
        yield min(1000, number * 100), 0.0


POLICIES = (
    Policy("10 s, four times (strong_migrations)", _ten_seconds),
    Policy("2 s, jitter (django-deferred-migrations)", _two_seconds),
    Policy("500 ms, jitter (pgroll)", _half_a_second),
    Policy("table of timeouts (GitLab)", _gitlab),
    Policy("200 ms, thirty retries (online_migrations)", _fifth_of_a_second),
    Policy("ramp to 1 s, no pause (pg_repack)", _ramp),
)


def attempt(url: str, policy: Policy, statement: str, cut_seconds: float) -> bool:
    """Send the statement as the policy does; return whether it succeeded before the cut."""
    end = time.monotonic() + cut_seconds
    draw = random.Random(7)  # noqa: S311 - jitter, not a secret
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        for timeout_ms, pause in policy.attempts(draw):
            left_ms = (end - time.monotonic()) * 1000
            if left_ms <= 0:
                return False
            timeout = sql.Literal(max(1, round(min(timeout_ms, left_ms))))
            connection.execute(sql.SQL("SET lock_timeout = {}").format(timeout))
            try:
                connection.execute(statement.encode())
            except psycopg.errors.LockNotAvailable:
                time.sleep(max(0.0, min(pause, end - time.monotonic())))
            else:
                return True
    return False
