"""Tables and indexes by name, with what refers to each at hand.

Values, though they are dictionaries: `put` returns another one, and nothing else changes them.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from safemigrate.model.names import QualifiedName

if TYPE_CHECKING:  # the classes are made of these
    from safemigrate.model.catalog import Index, Table

__all__ = ["Indexes", "Tables"]

_Names = Mapping[QualifiedName, tuple[QualifiedName, ...]]


class Tables(dict[QualifiedName, "Table"]):
    """Relations by name. `mentions`: the names of those that refer to a relation, by its name.

    One refers to its parents, to what its foreign keys reference, and a view to what it reads.
    """

    __slots__ = ("mentions",)

    mentions: _Names

    def __init__(self, tables: Mapping[QualifiedName, "Table"] | None = None) -> None:
        super().__init__(tables or {})
        mentions: dict[QualifiedName, tuple[QualifiedName, ...]] = {}
        for table in self.values():
            _add(mentions, table.name, _mentioned(table))
        self.mentions = mentions

    def put(self, table: "Table") -> "Tables":
        """Return the same with the table in place of the one of its name, if any."""
        old = self.get(table.name)
        before = frozenset() if old is None else _mentioned(old)
        after = _mentioned(table)
        changed = Tables.__new__(Tables)
        changed.update(self)
        changed[table.name] = table
        changed.mentions = self.mentions
        if before != after:
            mentions = dict(self.mentions)
            for name in before - after:
                mentions[name] = tuple(one for one in mentions[name] if one != table.name)
            _add(mentions, table.name, after - before)
            changed.mentions = mentions
        return changed


class Indexes(dict[QualifiedName, "Index"]):
    """Indexes by name. `by_table`: the names of a table's indexes, by its name."""

    __slots__ = ("by_table",)

    by_table: _Names

    def __init__(self, indexes: Mapping[QualifiedName, "Index"] | None = None) -> None:
        super().__init__(indexes or {})
        by_table: dict[QualifiedName, tuple[QualifiedName, ...]] = {}
        for index in self.values():
            _add(by_table, index.name, (index.table,))
        self.by_table = by_table

    def put(self, index: "Index") -> "Indexes":
        """Return the same with the index in place of the one of its name and table, if any."""
        changed = Indexes.__new__(Indexes)
        changed.update(self)
        changed[index.name] = index
        changed.by_table = self.by_table
        if index.name not in self:
            by_table = dict(self.by_table)
            _add(by_table, index.name, (index.table,))
            changed.by_table = by_table
        return changed


def _mentioned(table: "Table") -> frozenset[QualifiedName]:
    names = {*table.inherits, *table.reads}
    if table.partition_of is not None:
        names.add(table.partition_of)
    for constraint in table.constraints.values():
        if constraint.references is not None:
            names.add(constraint.references)
    return frozenset(names)


def _add(
    places: dict[QualifiedName, tuple[QualifiedName, ...]],
    name: QualifiedName,
    to: Iterable[QualifiedName],
) -> None:
    for place in to:
        places[place] = (*places.get(place, ()), name)
