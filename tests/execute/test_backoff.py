"""Pauses grow with every attempt, and are drawn from the whole of their range."""

from datetime import timedelta

from safemigrate.execute.backoff import pause_after

TIMEOUT = timedelta(milliseconds=500)


def test_the_longest_pause_doubles_with_every_attempt_up_to_half_a_minute() -> None:
    longest = [pause_after(attempt, TIMEOUT, lambda _low, high: high) for attempt in range(1, 9)]
    assert [pause.total_seconds() for pause in longest] == [1, 2, 4, 8, 16, 30, 30, 30]


def test_the_shortest_pause_is_none() -> None:
    assert pause_after(5, TIMEOUT, lambda low, _high: low) == timedelta()


def test_a_very_late_attempt_is_counted_too() -> None:
    pause = pause_after(100_000, TIMEOUT, lambda _low, high: high)
    assert pause == timedelta(seconds=30)
