"""Whether a column holds an amount of money, as far as its name says so."""

import re
from itertools import takewhile

__all__ = ["MONEY_WORDS", "OTHER_WORDS", "names_money"]

MONEY_WORDS = frozenset(
    (
        "amount", "balance", "bonus", "charge", "cost", "credit", "debit", "deposit", "discount",
        "dividend", "donation", "earning", "expense", "fare", "fee", "fine", "income", "interest",
        "invoice", "margin", "money", "paid", "payment", "payout", "penalty", "premium", "price",
        "principal", "profit", "rebate", "refund", "revenue", "salary", "subtotal", "surcharge",
        "tax", "tip", "toll", "total", "turnover", "vat", "wage",
    )
)  # fmt: skip
"""Words that make a column one of money, in the singular."""

OTHER_WORDS = frozenset(
    (
        "altitude", "ampere", "angle", "bps", "byte", "calorie", "celsius", "cl", "cm", "code",
        "coefficient", "coordinate", "count", "day", "distance", "dl", "duration", "elevation",
        "factor", "fraction", "gb", "gram", "gwh", "height", "hour", "id", "joule", "kb", "kcal",
        "kg", "kilogram", "kilometer", "kilometre", "km", "kw", "kwh", "lat", "latitude", "length",
        "liter", "litre", "lng", "lon", "longitude", "mb", "mg", "minute", "ml", "mm", "ms",
        "multiplier", "mw", "mwh", "number", "pct", "percent", "percentage", "pressure",
        "probability", "quantity", "radius", "rank", "rate", "ratio", "score", "second", "speed",
        "tb", "temperature", "volt", "volume", "watt", "weight", "wh", "width",
    )
)  # fmt: skip
"""Words that make it something else, whatever the other words say: `tax_rate`, `credit_score`."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def names_money(column: str) -> bool:
    """Return whether a word of the name, snake_case or camelCase, stands for money.

    What follows "per" does not count: `price_per_day`.
    """
    words = takewhile(lambda word: word != "per", map(str.lower, _WORD.findall(column)))
    kinds = {_singular(word) for word in words}
    return bool(kinds & MONEY_WORDS) and not kinds & OTHER_WORDS


def _singular(word: str) -> str:
    """Return an English plural without its ending, as far as the two lists need it."""
    for ending, singular in (("", ""), ("ies", "y"), ("es", ""), ("s", "")):
        stem = word.removesuffix(ending) + singular
        if word.endswith(ending) and (stem in MONEY_WORDS or stem in OTHER_WORDS):
            return stem
    return word
