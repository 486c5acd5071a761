"""What a piece of a report is, for whoever gives it a colour."""

from collections.abc import Callable
from enum import Enum

__all__ = ["Paint", "Tone", "leave_plain"]


class Tone(Enum):
    """The parts of a report that stand out on a terminal."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    HELP = "help"
    GOOD = "good"
    STRONG = "strong"
    FRAME = "frame"


Paint = Callable[[str, Tone], str]
"""Returns the text with the colour of its tone around it."""


def leave_plain(text: str, _tone: Tone) -> str:
    """Return the text as it is."""
    return text
