"""Types by oid, and which of them a program does not tell apart in a result."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from safemigrate.trace import Connection

__all__ = ["Type", "read_types"]

_TYPES = """
SELECT t.oid::bigint, pg_catalog.format_type(t.oid, NULL), t.typname::text, t.typcategory::text,
       coalesce((SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid
                  ORDER BY e.enumsortorder LIMIT 1), '')
  FROM pg_catalog.pg_type t WHERE t.oid = ANY (%s::bigint[])
"""
# A driver makes the same kind of object of each of these.
_FAMILIES = (
    frozenset({"int2", "int4", "int8"}),
    frozenset({"float4", "float8"}),
    frozenset({"json", "jsonb"}),
    frozenset({"bit", "varbit"}),
    frozenset({"cidr", "inet"}),
)
_TEXT = frozenset("SE")  # the categories of strings and enums (CREATE TYPE, table 65)
_SAMPLES = {
    "B": "true",
    "D": "2000-01-01",
    "I": "192.0.2.1",
    "N": "1",
    "S": "a",
    "T": "1 day",
    "A": "{}",
}
_SAMPLES_BY_NAME = {
    "bytea": "",
    "json": "{}",
    "jsonb": "{}",
    "time": "12:00",
    "timetz": "12:00+00",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


@dataclass(frozen=True, slots=True)
class Type:
    """A type; `title`: as SQL writes it, `name` and `category`: as pg_type has them."""

    title: str
    name: str
    category: str
    first_label: str = ""

    @property
    def is_array(self) -> bool:
        """Whether its values are arrays."""
        return self.category == "A"

    @property
    def sample(self) -> str | None:
        """Some value of it; None where nothing but NULL comes to mind."""
        if self.category == "E":
            return self.first_label or None
        return _SAMPLES_BY_NAME.get(self.name, _SAMPLES.get(self.category))

    def is_like(self, other: "Type") -> bool:
        """Return whether a program gets the same kind of object for both."""
        if self.title == other.title or {self.category, other.category} <= _TEXT:
            return True
        return any({self.name, other.name} <= family for family in _FAMILIES)


def read_types(connection: Connection, oids: Iterable[int]) -> Mapping[int, Type]:
    """Return the types by oid; a type that is gone is left out."""
    asked = sorted(set(oids))
    if not asked:
        return {}
    rows = connection.execute(_TYPES, (asked,)).fetchall()
    return {oid: Type(*rest) for oid, *rest in rows}
