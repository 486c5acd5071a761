"""What counts as waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest

from safemigrate.execute.patience import Patience


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def patience(clock: Clock) -> Patience:
    return Patience(timedelta(seconds=10), lambda: clock.now)


def test_what_is_not_waiting_uses_nothing_up(clock: Clock, patience: Patience) -> None:
    clock.now += 3600
    assert (patience.waited, patience.remaining) == (0.0, 10.0)


def test_a_wait_counts_while_it_lasts_and_afterwards(clock: Clock, patience: Patience) -> None:
    with patience.waiting():
        clock.now += 4
        assert patience.remaining == 6.0
    clock.now += 3600
    assert patience.remaining == 6.0
    patience.add(7)
    assert patience.remaining == -1.0


def test_those_who_wait_at_the_same_time_are_counted_once(clock: Clock, patience: Patience) -> None:
    with patience.waiting():
        clock.now += 1
        patience.begin()
        clock.now += 1
    clock.now += 1
    patience.end()
    clock.now += 1
    assert patience.waited == 3.0


def test_what_was_counted_too_much_is_not_given_back(patience: Patience) -> None:
    patience.add(-1)
    assert patience.waited == 0.0
