"""Texts that a pattern matches: a regular expression of simple shape, or one of LIKE."""

from collections.abc import Callable

__all__ = ["match_expression", "match_like"]

_CLASSES = {"d": "0123456789", "w": "abcdefghij0123456789_", "s": " "}
_NAMED = {
    "alnum": "abcdef0123456789",
    "alpha": "abcdefghij",
    "digit": "0123456789",
    "lower": "abcdefghij",
    "punct": "-_.!",
    "space": " ",
    "upper": "ABCDEFGHIJ",
    "xdigit": "0123456789abcdef",
}
_ANY = "abcdefghijklmnopqrstuvwxyz0123456789"
_MOST = 3  # how often what may be repeated without end is


def match_like(pattern: str, choice: int) -> str:
    """Return a text that LIKE matches; `choice`: which one."""
    text, position = "", 0
    while position < len(pattern):
        letter = pattern[position]
        if letter == "\\" and position + 1 < len(pattern):
            position += 1
            text += pattern[position]
        elif letter == "%":
            text += f"a{choice}" if choice else ""
        elif letter == "_":
            text += _ANY[choice % len(_ANY)]
        else:
            text += letter
        position += 1
    return text


def match_expression(pattern: str, choice: int) -> str | None:
    """Return a text that the regular expression is likely to match; None where it is not read."""
    try:
        text, end = _Expression(pattern, choice).alternatives(0)
    except (IndexError, ValueError):
        return None
    return text if end == len(pattern) else None


class _Expression:
    """A regular expression read from left to right; `choice` decides where there is one."""

    def __init__(self, pattern: str, choice: int) -> None:
        self._pattern = pattern
        self._choice = choice
        self._drawn = 0

    def alternatives(self, position: int) -> tuple[str, int]:
        """Return a text for what stands up to a closing parenthesis, and where that is."""
        texts = []
        while True:
            text, position = self._sequence(position)
            texts.append(text)
            if position >= len(self._pattern) or self._pattern[position] != "|":
                return texts[self._choice % len(texts)], position
            position += 1

    def _sequence(self, position: int) -> tuple[str, int]:
        text = ""
        while position < len(self._pattern) and self._pattern[position] not in "|)":
            make, position = self._atom(position)
            least, most, position = self._quantifier(position)
            count = least + self._choice % (most - least + 1)
            text += "".join(make() for _ in range(count))
        return text, position

    def _atom(self, position: int) -> tuple[Callable[[], str], int]:
        letter = self._pattern[position]
        if letter in "^$":
            return str, position + 1
        if letter == "(":
            start = position + 3 if self._pattern.startswith("(?:", position) else position + 1
            if self._pattern.startswith("?", start):
                raise ValueError
            _, end = self.alternatives(start)
            if self._pattern[end] != ")":
                raise ValueError
            return lambda: self.alternatives(start)[0], end + 1
        if letter == "[":
            letters, end = self._set(position + 1)
            return lambda: self._one_of(letters), end
        if letter == "\\":
            name = self._pattern[position + 1]
            if name in "AZmMyY":
                return str, position + 2
            letters = _CLASSES.get(name, name)
            return lambda: self._one_of(letters), position + 2
        if letter == ".":
            return lambda: self._one_of(_ANY), position + 1
        if letter in "*+?{":
            raise ValueError
        return lambda: letter, position + 1

    def _set(self, position: int) -> tuple[str, int]:
        """Return letters of a bracket expression, and where it ends."""
        is_negated = self._pattern[position] == "^"
        position += is_negated
        letters, first = "", position
        while self._pattern[position] != "]" or position == first:
            if self._pattern.startswith("[:", position):
                end = self._pattern.index(":]", position)
                letters += _NAMED.get(self._pattern[position + 2 : end], "")
                position = end + 2
                continue
            letter = self._pattern[position]
            if letter == "\\":
                position += 1
                letter = self._pattern[position]
                letters += _CLASSES.get(letter, letter)
            elif self._pattern[position + 1] == "-" and self._pattern[position + 2] != "]":
                last = self._pattern[position + 2]
                letters += "".join(map(chr, range(ord(letter), ord(last) + 1)))
                position += 2
            else:
                letters += letter
            position += 1
        if is_negated:
            letters = "".join(one for one in _ANY if one not in letters)
        return letters, position + 1

    def _quantifier(self, position: int) -> tuple[int, int, int]:
        """Return how often at least and at most, and where what follows begins."""
        letter = self._pattern[position : position + 1]
        least, most, end = 1, 1, position
        if letter and letter in "*+?":
            least, most = (1 if letter == "+" else 0), (1 if letter == "?" else _MOST)
            end = position + 1
        elif letter == "{":
            end = self._pattern.index("}", position) + 1
            bounds = self._pattern[position + 1 : end - 1].split(",")
            least = int(bounds[0])
            most = int(bounds[-1]) if bounds[-1] else least + _MOST
        if self._pattern.startswith("?", end) and end > position:
            end += 1
        return least, min(most, max(least, 200)), end

    def _one_of(self, letters: str) -> str:
        self._drawn += 1
        return letters[(self._choice * 7 + self._drawn * self._choice) % len(letters)]
