"""Sizes, numbers and times as people say them."""

__all__ = ["show_rows", "show_seconds", "show_size"]

_MOMENT_SECONDS = 0.05
_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3600


def show_size(size_bytes: int) -> str:
    """Return `512 B`, `1.5 MiB`."""
    size = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:  # noqa: PLR2004 - a power of two each
            return f"{_three_digits(size)} {unit}"
        size /= 1024
    return f"{_three_digits(size)} TiB"


def show_rows(rows: int) -> str:
    """Return `about 1,200,000 rows`, to two digits, for what is an estimate."""
    digits = len(str(rows)) - 2
    rounded = round(rows, -digits) if digits > 0 else rows
    return f"about {rounded:,} row{'' if rounded == 1 else 's'}"


def show_seconds(seconds: float) -> str:
    """Return `a moment`, `300 ms`, `3 s`, `10 min` or `2 h`: to one digit, for an estimate."""
    if seconds < _MOMENT_SECONDS:
        return "a moment"
    if seconds < 0.95:  # noqa: PLR2004 - what is rounded to a second
        return f"{_round(seconds * 1000)} ms"
    if seconds < _MINUTE_SECONDS:
        return f"{_round(seconds)} s"
    if seconds < _HOUR_SECONDS:
        return f"{_round(seconds / _MINUTE_SECONDS)} min"
    return f"{_round(seconds / _HOUR_SECONDS)} h"


def _three_digits(number: float) -> str:
    return f"{number:.0f}" if number >= 1000 else f"{number:.3g}"  # noqa: PLR2004 - digits


def _round(number: float) -> int:
    """Return the number to one digit."""
    whole = max(1, round(number))
    return round(whole, 1 - len(str(whole)))
