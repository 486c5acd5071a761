"""Durations as numbers, where one leaves the process."""

from datetime import timedelta

__all__ = ["count_milliseconds"]


def count_milliseconds(duration: timedelta) -> int:
    """Return the duration in whole milliseconds, rounded."""
    return round(duration / timedelta(milliseconds=1))
