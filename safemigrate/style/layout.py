"""SQL as it is written in a string of Python → as it would be laid out in a file of its own."""

import re
from collections.abc import Iterator

from safemigrate.style.literals import Written

__all__ = ["lay_out"]

_MARGIN = re.compile(r"[ \t]*")


def lay_out(written: Written, source: str) -> Written | None:
    """Return the SQL without the blanks around it and the margin that its lines share.

    It ends with a newline, as a file does, which stands for the end of the string. None for a
    string of blanks. `source`: the whole text that it is written in.
    """
    text = written.text
    last = len(text.rstrip())
    if last == 0:
        return None
    first = len(text) - len(text.lstrip())
    line = text.rfind("\n", 0, first) + 1
    # Where the SQL begins in the string's first line, code stands before it, and no margin.
    head = _end_of_line(text, first, last) if line == 0 else line
    lines = list(_list_lines(text, head, last))
    margin = min((_count_blanks(text, start) for start, end in lines if start < end), default=0)
    if line == 0:
        margin = _choose_margin(margin, written.offsets[first], source)
    kept = list(range(first, head))
    for start, end in lines:
        kept += range(min(start + margin, end), _end_of_line(text, end, last))
    return Written(
        "".join(text[place] for place in kept) + "\n",
        (*(written.offsets[place] for place in kept), written.offsets[last], written.offsets[last]),
    )


def _choose_margin(least: int, place: int, source: str) -> int:
    """Return the margin of lines below a first one that begins at an offset of the source.

    They are aligned with its words, or indented from the line of code that it stands in.
    """
    start = source.rfind("\n", 0, place) + 1
    return least if least == place - start else min(least, _count_blanks(source, start))


def _list_lines(text: str, start: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield where each line begins and ends, its newline not counted."""
    while start < last:
        end = _end_of_line(text, start, last)
        yield start, end - 1 if text[end - 1] == "\n" else end
        start = end


def _end_of_line(text: str, start: int, last: int) -> int:
    """Return the offset behind the newline that ends the line, or the end."""
    newline = text.find("\n", start, last)
    return last if newline < 0 else newline + 1


def _count_blanks(text: str, start: int) -> int:
    found = _MARGIN.match(text, start)
    return found.end() - start if found else 0
