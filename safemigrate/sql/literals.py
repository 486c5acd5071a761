"""String constants that hold SQL: what they say, and where each letter of it stands."""

from collections.abc import Sequence
from dataclasses import dataclass

from safemigrate.sql.parser import read_tokens

__all__ = ["Literal", "find_literal"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A string constant in a longer text.

    `text`: its value. `places`: the 0-based character offset of each letter of it in the longer
    text, and of its end; empty where escapes hide that.
    """

    text: str
    places: Sequence[int] = ()

    def place(self, offset: int) -> int:
        """Return where in the longer text the letter at `offset` stands; 0 where that is hidden."""
        if not self.places:
            return 0
        return self.places[min(max(offset, 0), len(self.places) - 1)]


def find_literal(sql: str, value: str, start: int) -> Literal:
    """Return the first string constant at or behind `start`, whose value the parser gave."""
    for token in read_tokens(sql):
        if token.start >= start and token.kind in {"SCONST", "USCONST"}:
            return Literal(value, _places(sql[token.start : token.end], value, token.start))
    return Literal(value)


def _places(written: str, value: str, start: int) -> Sequence[int]:
    """Return where the letters of the value stand, for a constant written so at `start`."""
    if written.startswith("$"):
        tag = written.index("$", 1) + 1
        return range(start + tag, start + tag + len(value) + 1)
    opening = written.index("'") + 1
    inside = written[opening:-1]
    if inside == value:
        return range(start + opening, start + opening + len(value) + 1)
    if opening > 1 or inside.replace("''", "'") != value:
        # an escape, or several constants that count as one
        return ()
    places = []
    position = start + opening
    for letter in value:
        places.append(position)
        position += 2 if letter == "'" else 1
    return (*places, position)
