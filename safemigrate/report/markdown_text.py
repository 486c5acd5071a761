"""Text that may hold anything, put into GitHub's Markdown so that it is shown as it is.

https://github.github.com/gfm/
"""

import re
from collections.abc import Sequence

__all__ = ["code_span", "escape_html", "escape_text", "fence_code"]

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# A comment behind them keeps a name from calling a person, or a number an issue.
_CALLS = {"@": "@<!-- -->", "#": "#<!-- -->"}
_SPECIAL = {mark: f"\\{mark}" for mark in "\\`*_[]|~$"}
_IN_HTML = str.maketrans(_ENTITIES | _CALLS)
_IN_TEXT = str.maketrans(_ENTITIES | _CALLS | _SPECIAL)

_BACKTICKS = re.compile(r"`+")
_FENCE = 3


def escape_text(text: str) -> str:
    """Return text of one line for a paragraph, a list or a cell of a table."""
    return text.translate(_IN_TEXT)


def escape_html(text: str) -> str:
    """Return text of one line for an element of HTML, in which Markdown means nothing."""
    return text.translate(_IN_HTML)


def code_span(text: str) -> str:
    """Return text of one line as code, for a paragraph, a heading or a cell of a table.

    A span of backticks cannot hold every text in a cell, an element can hold any.
    """
    if text.strip() == text != "" and not any(mark in text for mark in "`|\\"):
        return f"`{text}`"
    plain = (mark if mark.isalnum() or not mark.isascii() else f"&#{ord(mark)};" for mark in text)
    return f"<code>{''.join(plain)}</code>"


def fence_code(language: str, lines: Sequence[str]) -> list[str]:
    """Return the lines of a block of code, its fence longer than any in the code."""
    longest = max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(_FENCE, longest + 1)
    return [f"{fence}{language}", *lines, fence]
