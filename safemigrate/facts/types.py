"""What changing a column's type costs, and whether a value can be lost.

Source: `ATColumnChangeRequiresRewrite` in src/backend/commands/tablecmds.c; the manual,
"ALTER TABLE", Notes: no rewrite when the old type is binary coercible to the new one, or when
the change only relaxes a length or precision.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

from safemigrate.model import ColumnType, Expression

__all__ = ["TypeChange", "judge_type_change"]

_TEXT = "text"
_VARCHAR = "character varying"
_CHAR = "character"
_NUMERIC = "numeric"
_TIMESTAMP = "timestamp without time zone"
_TIMESTAMPTZ = "timestamp with time zone"

# Casts the catalog pg_cast lists WITHOUT FUNCTION, as far as ALTER COLUMN TYPE may use them.
_BINARY_COERCIBLE = frozenset(
    {
        (_VARCHAR, _TEXT),
        (_TEXT, _VARCHAR),
        ("bit", "bit varying"),
        ("cidr", "inet"),
        ("integer", "oid"),
        ("oid", "integer"),
        ("xml", _TEXT),
        ("xml", _VARCHAR),
        ("citext", _TEXT),
        (_TEXT, "citext"),
        (_VARCHAR, "citext"),
        ("citext", _VARCHAR),
    }
)

# Types whose only modifier is a precision of the fraction of a second, six digits when absent.
_FRACTIONAL = frozenset(
    {_TIMESTAMP, _TIMESTAMPTZ, "time without time zone", "time with time zone", "interval"}
)
_MOST_DIGITS = 6

_UTC = frozenset({"UTC", "GMT", "ETC/UTC", "ETC/GMT", "ZULU"})

# From each type to those that hold every value of it; unlimited text holds those of every type.
_WIDER = {
    "smallint": {"integer", "bigint", _NUMERIC, "real", "double precision"},
    "integer": {"bigint", _NUMERIC, "double precision"},
    "bigint": {_NUMERIC},
    "oid": {"bigint", _NUMERIC},
    "real": {"double precision"},
    "money": {_NUMERIC},
    "date": {_TIMESTAMP, _TIMESTAMPTZ},
    _TIMESTAMP: {_TIMESTAMPTZ},
    _TIMESTAMPTZ: {_TIMESTAMP},
    "time without time zone": {"time with time zone", "interval"},
    "jsonb": {"json"},
    "bit": {"bit varying"},
    _VARCHAR: {"citext"},
    _TEXT: {"citext"},
    "cidr": {"inet"},
    "boolean": {"integer"},
}
_UNLIMITED = frozenset({_TEXT, _VARCHAR})

# How many characters the longest value has, as text.
_LONGEST = {"boolean": 5, "smallint": 6, "integer": 11, "bigint": 20, "oid": 10, "uuid": 36}


@dataclass(frozen=True, slots=True)
class TypeChange:
    """What a change of type does.

    `rewrites`: every row is written anew. `narrows`: some value of the old type does not fit the
    new one, so the change can fail or lose digits. `is_known`: everything it depends on was
    known, the old type and, between the two timestamps, the session's TimeZone; else the worse is
    stated.
    """

    rewrites: bool
    narrows: bool
    is_known: bool = True


def judge_type_change(
    old: ColumnType | None,
    new: ColumnType,
    *,
    column: str,
    using: Expression | None = None,
    timezone: str | None = None,
) -> TypeChange:
    """Return what ALTER COLUMN … TYPE `new` does to a column of type `old`.

    `timezone`: the session's TimeZone when the statement runs, None when it is not known; only
    under UTC is timestamp to timestamptz free (manual: "ALTER TABLE", Notes; since 12).
    """
    if old is None or old.is_unknown or new.is_unknown:
        return TypeChange(rewrites=True, narrows=True, is_known=False)
    if using is not None and not _says_nothing(using, column, new):
        return TypeChange(rewrites=True, narrows=_loses(old, new, using, column))
    if old == new:
        return TypeChange(rewrites=False, narrows=False)
    if old.dimensions or new.dimensions:
        # An array is changed element by element, but not to lift a limit.
        is_lifted = replace(old, modifiers=()) == new
        return TypeChange(rewrites=not is_lifted, narrows=not _holds_all(old, new))
    is_free = _is_free(old, new, is_utc=(timezone or "").upper() in _UTC)
    depends_on_zone = {old.name, new.name} == {_TIMESTAMP, _TIMESTAMPTZ}
    return TypeChange(
        rewrites=not is_free,
        narrows=not _holds_all(old, new),
        is_known=timezone is not None or not depends_on_zone,
    )


def _says_nothing(using: Expression, column: str, new: ColumnType) -> bool:
    """Return whether USING is the column itself, or a cast of it to the new type."""
    return using.bare_column == column and using.casts in {(), (new,)}


def _loses(old: ColumnType, new: ColumnType, using: Expression, column: str) -> bool:
    """Return whether some value does not survive the casts of USING, or the change without them.

    What other expressions make of the values is the author's will, and not judged.
    """
    if using.bare_column != column:
        return not _holds_all(old, new)
    path = [old, *using.casts, new]
    return any(not _holds_all(before, after) for before, after in pairwise(path))


def _is_free(old: ColumnType, new: ColumnType, *, is_utc: bool) -> bool:
    if old.name == new.name and old.schema == new.schema:
        return _relaxes(old, new)
    if {old.name, new.name} == {_TIMESTAMP, _TIMESTAMPTZ}:
        # A precision makes a function of the cast.
        return is_utc and not new.modifiers
    # To a limited varchar, the length check makes a function of the cast.
    return (old.name, new.name) in _BINARY_COERCIBLE and not (
        new.modifiers and not (old.name == _VARCHAR and _relaxes(old, new))
    )


def _relaxes(old: ColumnType, new: ColumnType) -> bool:
    """Return whether the new modifiers of the same type admit every old value as it is stored."""
    if old.modifiers == new.modifiers:
        return True
    match new.name:
        case "character varying" | "bit varying":
            return not new.modifiers or (
                bool(old.modifiers) and new.modifiers[0] >= old.modifiers[0]
            )
        case "numeric":
            if not new.modifiers:
                return True
            if not old.modifiers:
                return False
            return _scale(new) == _scale(old) and new.modifiers[0] >= old.modifiers[0]
        case name if name in _FRACTIONAL:
            return _digits(new) >= _digits(old)
    return False


def _holds_all(old: ColumnType, new: ColumnType) -> bool:
    """Return whether every value of the old type has an exact place in the new one."""
    if old.dimensions != new.dimensions:
        return False
    if old.name != new.name or old.schema != new.schema:
        return _holds_other(old, new)
    if _relaxes(old, new):
        return True
    if new.name == _NUMERIC and new.modifiers and old.modifiers:
        whole = old.modifiers[0] - _scale(old)
        return _scale(new) >= _scale(old) and new.modifiers[0] - _scale(new) >= whole
    if new.name == _CHAR and new.modifiers and old.modifiers:
        return new.modifiers[0] >= old.modifiers[0]
    return False


def _holds_other(old: ColumnType, new: ColumnType) -> bool:
    """Return the same for types of different names."""
    if new.name in _UNLIMITED and new.schema is None:
        longest = _LONGEST.get(old.name)
        if old.name in {_CHAR, _VARCHAR} and old.modifiers:
            longest = old.modifiers[0]
        return not new.modifiers or (longest is not None and new.modifiers[0] >= longest)
    if new.name not in _WIDER.get(old.name, ()):
        return False
    if new.name == _NUMERIC and new.modifiers:
        whole = new.modifiers[0] - _scale(new)
        return whole >= _WHOLE_DIGITS.get(old.name, whole + 1)
    if old.name == "bit":
        return not new.modifiers or (bool(old.modifiers) and new.modifiers >= old.modifiers)
    return not new.modifiers or new.name in _FRACTIONAL


_WHOLE_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19, "oid": 10}


def _scale(numeric: ColumnType) -> int:
    return numeric.modifiers[1] if len(numeric.modifiers) > 1 else 0


def _digits(fractional: ColumnType) -> int:
    return fractional.modifiers[-1] if fractional.modifiers else _MOST_DIGITS
