"""Whether a foreign key can compare its columns with the key they reference, and at what price.

The server wants an operator `=` between the two types in the key's operator family, or else an
implicit cast from the referencing type to the key's (`ATAddForeignKeyConstraint` in
src/backend/commands/tablecmds.c; manual: "Index Methods and Operator Classes", 36.16, and the
catalog pg_cast).
"""

from enum import Enum

from safemigrate.model import ColumnType

__all__ = ["KeyFit", "judge_key_types"]

_TIMESTAMP = "timestamp without time zone"
_TIMESTAMPTZ = "timestamp with time zone"
_INTEGERS = ("smallint", "integer", "bigint")
_STRINGS = frozenset({"text", "character varying"})

# Types that one btree operator family compares with one another.
_FAMILIES = (
    frozenset(_INTEGERS),
    frozenset({"real", "double precision"}),
    frozenset({"date", _TIMESTAMP, _TIMESTAMPTZ}),
    _STRINGS,
)

# From each type to those it is cast to by itself.
_CAST = {
    **{name: {"numeric", "real", "double precision"} for name in _INTEGERS},
    "numeric": {"real", "double precision"},
    "text": {"character"},
    "character varying": {"character"},
    "character": {"text", "character varying"},
    "cidr": {"inet"},
    # An index of cidr compares as inet.
    "inet": {"cidr"},
    "bit": {"bit varying"},
    "bit varying": {"bit"},
    "time without time zone": {"time with time zone", "interval"},
    "macaddr": {"macaddr8"},
    "macaddr8": {"macaddr"},
}

_ALONE = frozenset(
    {"boolean", "bytea", "interval", "jsonb", "money", "time with time zone", "uuid"}
)
_KNOWN = _ALONE.union(_CAST, *_FAMILIES)


class KeyFit(Enum):
    """How a referencing column fits the key.

    `NARROWER`: it holds fewer numbers than the key. `CAST`: each comparison has to convert.
    `REFUSED`: the server makes no such foreign key. `UNKNOWN`: a type is not one of the server's
    own that are listed here.
    """

    GOOD = "good"
    NARROWER = "narrower"
    CAST = "cast"
    REFUSED = "refused"
    UNKNOWN = "unknown"


def judge_key_types(key: ColumnType, referencing: ColumnType) -> KeyFit:
    """Return how a column of the one type fits a key of the other; lengths do not matter."""
    names = (key.name, referencing.name)
    if (key.name, key.schema, key.dimensions) == (
        referencing.name,
        referencing.schema,
        referencing.dimensions,
    ):
        return KeyFit.GOOD
    if not _KNOWN.issuperset(names) or key.schema or referencing.schema:
        return KeyFit.UNKNOWN
    if key.dimensions or referencing.dimensions:
        return KeyFit.REFUSED
    if _STRINGS.issuperset(names):
        return KeyFit.GOOD
    if set(_INTEGERS).issuperset(names):
        is_narrower = _INTEGERS.index(referencing.name) < _INTEGERS.index(key.name)
        return KeyFit.NARROWER if is_narrower else KeyFit.GOOD
    is_family = any(family.issuperset(names) for family in _FAMILIES)
    is_cast = key.name in _CAST.get(referencing.name, ())
    return KeyFit.CAST if is_family or is_cast else KeyFit.REFUSED
