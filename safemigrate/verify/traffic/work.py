"""What a worker sends, again and again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

__all__ = ["Bounds", "Command", "Variable", "Work", "mark", "read_mark"]

_MARK = "/* safemigrate traffic {} */ "
_MARK_START, _MARK_END = _MARK.split("{}")


@dataclass(frozen=True, slots=True)
class Bounds:
    """A whole number drawn anew in each round: both ends may be drawn."""

    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Variable:
    """Something a script gives a name to: `value` is a number, bounds, or another's name."""

    name: str
    value: int | Bounds | str


@dataclass(frozen=True, slots=True)
class Command:
    """One statement of the application.

    `name`: how a report calls it. `pieces`: its text; each second piece is the name of a variable,
    whose value stands there.
    """

    name: str
    pieces: tuple[str, ...]

    def text(self, values: Mapping[str, int]) -> str:
        """Return what is sent; `values`: of the variables."""
        return "".join(
            str(values[piece]) if position % 2 else piece
            for position, piece in enumerate(self.pieces)
        )


@dataclass(frozen=True, slots=True)
class Work:
    """What one worker does in a round: commands and variables, in their order.

    `is_prepared`: the driver prepares every text when it is first sent, as many drivers do.
    """

    steps: tuple[Command | Variable, ...]
    is_prepared: bool = False

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands, in order; the position of one is its number in a record."""
        return tuple(step for step in self.steps if isinstance(step, Command))

    def round(self, random: Random) -> Iterator[tuple[int, str]]:
        """Yield number and text of each command of one round."""
        values: dict[str, int] = {}
        number = 0
        for step in self.steps:
            match step:
                case Variable(name=name, value=value):
                    values[name] = _draw(value, values, random)
                case Command():
                    yield number, mark(step.text(values), number)
                    number += 1


def _draw(value: int | Bounds | str, values: Mapping[str, int], random: Random) -> int:
    match value:
        case int():
            return value
        case Bounds(least=least, most=most):
            return random.randint(least, most)
        case str():
            return values[value]


def mark(sql: str, number: int) -> str:
    """Return the text with a comment by which the server's views tell what it is."""
    return f"{_MARK.format(number)}{sql}"


def read_mark(sql: str) -> int | None:
    """Return the number that a text was marked with, None where it was not."""
    if not sql.startswith(_MARK_START):
        return None
    return int(sql.removeprefix(_MARK_START).partition(_MARK_END)[0])
