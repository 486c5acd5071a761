"""What a condition suggests: its constants, what lies around and between them, texts that match.

The server says what a row meets; here only good candidates are wanted. So the text of a condition
is not solved but read for what a solution is likely to be made of.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from safemigrate.verify.rows.patterns import match_expression, match_like

__all__ = ["suggest_values"]

_LONGEST = 10_000
_BETWEEN = 12
_PATTERNS = 24
# The server writes every condition in one way, without comments and dollar quotes.
_PIECE = re.compile(
    r"""
      (?P<escaped> E'(?:[^'\\]|\\.|'')*' )
    | (?P<string> '(?:[^']|'')*' )
    | (?P<name> "(?:[^"]|"")*" )
    | (?P<number> (?:(?<=\()-)?[0-9]+(?:\.[0-9]+)? )
    | (?P<word> [^\W0-9]\w* )
    | (?P<operator> [~!*<>=|&^%\#@+/-]+ )
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?")


def suggest_values(expressions: Iterable[str]) -> tuple[str, ...]:
    """Return values that conditions on a column may be met with, the likeliest first.

    They are for columns of any type; what is not for the one at hand is to be left out.
    """
    found: dict[str, None] = {}
    for expression in expressions:
        found.update(dict.fromkeys(_suggest(expression)))
    return tuple(found)


def _suggest(expression: str) -> Iterator[str]:
    numbers: list[Decimal] = []
    moments: list[datetime] = []
    for operator, constant in _constants(expression):
        if operator in {"~", "~*"}:
            matches = (match_expression(constant, choice) for choice in range(_PATTERNS))
            yield from (one for one in matches if one is not None)
        elif operator in {"~~", "~~*"}:
            yield from (match_like(constant, choice) for choice in range(_PATTERNS))
        elif operator not in {"!~", "!~*", "!~~", "!~~*"}:
            yield constant
            numbers.extend(_read_number(constant))
            moments.extend(_read_moment(constant))
    yield from _around_numbers(sorted(set(numbers)))
    yield from _around_moments(sorted(set(moments)))


def _constants(expression: str) -> Iterator[tuple[str, str]]:
    """Yield each constant with the operator before it."""
    operator = ""
    for piece in _PIECE.finditer(expression):
        kind, text = piece.lastgroup, piece.group()
        if kind == "operator":
            operator = text
        elif kind == "escaped":
            yield operator, re.sub(r"\\(.)", r"\1", text[2:-1].replace("''", "'"))
        elif kind == "string":
            yield operator, text[1:-1].replace("''", "'")
        elif kind == "number":
            yield operator, text
        elif text in {"AND", "OR", "NOT"}:
            operator = ""


def _read_number(text: str) -> Iterator[Decimal]:
    if _NUMBER.fullmatch(text):
        try:
            yield Decimal(text)
        except InvalidOperation:
            return


def _around_numbers(numbers: list[Decimal]) -> Iterator[str]:
    for number in numbers:
        yield from (str(number + 1), str(number - 1), str(-number))
    for low, high in pairwise(numbers):
        step = (high - low) / _BETWEEN
        for position in range(1, _BETWEEN):
            between = low + step * position
            yield str(between.to_integral_value() if step > 1 else round(between, 6))
    if numbers:
        yield from (str(numbers[-1].to_integral_value() + 10 * one) for one in range(1, _BETWEEN))
        yield from (str(numbers[0].to_integral_value() - 10 * one) for one in range(1, _BETWEEN))
    for number in numbers:
        if 0 < number <= _LONGEST:
            length = int(number)
            yield from ("x" * length, "x" * (length + 1), "y" * max(length - 1, 0), "1" * length)


def _read_moment(text: str) -> Iterator[datetime]:
    try:
        yield datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return


def _around_moments(moments: list[datetime]) -> Iterator[str]:
    for moment in moments:
        for distance in (timedelta(), timedelta(days=1), timedelta(days=-1), timedelta(hours=1)):
            yield from _write_moment(moment, distance)
    for low, high in pairwise(moments):
        for position in range(1, _BETWEEN):
            yield from _write_moment(low, (high - low) / _BETWEEN * position)


def _write_moment(moment: datetime, distance: timedelta) -> Iterator[str]:
    try:
        yield (moment + distance).isoformat(" ")
    except OverflowError:
        return
