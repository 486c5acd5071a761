"""Words of the reports."""

from collections.abc import Sequence

__all__ = ["count", "enumerate_words"]


def count(number: int, noun: str) -> str:
    """Return `1 migration`, `2 migrations`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def enumerate_words(words: Sequence[str]) -> str:
    """Return `a`, `a and b`, `a, b and c`."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
