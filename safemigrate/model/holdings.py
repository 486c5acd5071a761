"""Tables and indexes by name, with what refers to each at hand."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Self

from safemigrate.model.layers import Layers
from safemigrate.model.names import TEMPORARY_SCHEMA, QualifiedName

if TYPE_CHECKING:  # the classes are made of these
    from safemigrate.model.catalog import Index, Table

__all__ = ["Indexes", "Tables"]

_Names = Layers[QualifiedName, tuple[QualifiedName, ...]]


class Tables(Layers[QualifiedName, "Table"]):
    """Relations by name.

    `mentions`: the names of those that refer to a relation, by its name. One refers to its parents,
    to what its foreign keys reference, and a view to what it reads.
    `by_identity`: the name that each goes by. `passing`: the names of those that a later migration
    finds otherwise, because they are temporary, or have no rows yet. `may_hold_temporary`: False
    where there is surely no temporary one.
    """

    __slots__ = ("by_identity", "may_hold_temporary", "mentions", "passing")

    mentions: _Names
    by_identity: Layers[int, QualifiedName]
    passing: frozenset[QualifiedName]
    may_hold_temporary: bool

    def __init__(self, tables: Mapping[QualifiedName, "Table"] | None = None) -> None:
        super().__init__(tables or {})
        mentions: dict[QualifiedName, tuple[QualifiedName, ...]] = {}
        for table in self.values():
            for name in _mentioned(table):
                mentions[name] = (*mentions.get(name, ()), table.name)
        self.mentions = Layers(mentions)
        self.by_identity = Layers((table.identity, table.name) for table in self.values())
        self.passing = frozenset(table.name for table in self.values() if _is_passing(table))
        self.may_hold_temporary = any(map(_is_temporary, self))

    def put_table(self, table: "Table") -> Self:
        """Return the same with the table in place of the one of its name, if any."""
        name, old = table.name, self.get(table.name)
        changed = self.put(name, table)
        changed.mentions, changed.passing = self.mentions, self.passing
        changed.may_hold_temporary = self.may_hold_temporary or _is_temporary(name)
        changed.by_identity = self.by_identity
        if old is None or old.identity != table.identity:
            gone = () if old is None else (old.identity,)
            changed.by_identity = self.by_identity.drop(gone).put(table.identity, name)
        if _is_passing(table) != (name in self.passing):
            changed.passing = self.passing ^ {name}
        if old is not None and _refers_alike(old, table):
            return changed
        before, after = frozenset() if old is None else _mentioned(old), _mentioned(table)
        if before != after:
            changed.mentions = _take(self.mentions, name, before - after)
            changed.mentions = _add(changed.mentions, name, after - before)
        return changed

    def drop_tables(self, names: Collection[QualifiedName]) -> Self:
        """Return the same without the tables of those names, as far as they are there."""
        gone = [table for table in map(self.get, names) if table is not None]
        changed = self.drop(table.name for table in gone)
        changed.mentions, changed.may_hold_temporary = self.mentions, self.may_hold_temporary
        for table in gone:
            changed.mentions = _take(changed.mentions, table.name, _mentioned(table))
        changed.by_identity = self.by_identity.drop(table.identity for table in gone)
        changed.passing = self.passing.difference(table.name for table in gone)
        return changed


class Indexes(Layers[QualifiedName, "Index"]):
    """Indexes by name. `by_table`: the names of a table's indexes, by its name.

    `bare_names`: how many go by a name, in any schema. `may_hold_temporary`: as of tables.
    """

    __slots__ = ("bare_names", "by_table", "may_hold_temporary")

    by_table: _Names
    bare_names: Layers[str, int]
    may_hold_temporary: bool

    def __init__(self, indexes: Mapping[QualifiedName, "Index"] | None = None) -> None:
        super().__init__(indexes or {})
        by_table: dict[QualifiedName, tuple[QualifiedName, ...]] = {}
        for index in self.values():
            by_table[index.table] = (*by_table.get(index.table, ()), index.name)
        self.by_table = Layers(by_table)
        self.bare_names = Layers(Counter(name.name for name in self))
        self.may_hold_temporary = any(map(_is_temporary, self))

    def put_index(self, index: "Index") -> Self:
        """Return the same with the index in place of the one of its name, if any."""
        old = self.get(index.name)
        changed = self.put(index.name, index)
        changed.by_table, changed.bare_names = self.by_table, self.bare_names
        changed.may_hold_temporary = self.may_hold_temporary or _is_temporary(index.name)
        if old is None:
            changed.bare_names = _count(self.bare_names, index.name.name, 1)
        if old is None or old.table != index.table:
            left = () if old is None else (old.table,)
            changed.by_table = _take(self.by_table, index.name, left)
            changed.by_table = _add(changed.by_table, index.name, (index.table,))
        return changed

    def drop_indexes(self, names: Collection[QualifiedName]) -> Self:
        """Return the same without the indexes of those names, as far as they are there."""
        gone = [index for index in map(self.get, names) if index is not None]
        changed = self.drop(index.name for index in gone)
        changed.by_table, changed.may_hold_temporary = self.by_table, self.may_hold_temporary
        changed.bare_names = self.bare_names
        for index in gone:
            changed.bare_names = _count(changed.bare_names, index.name.name, -1)
            changed.by_table = _take(changed.by_table, index.name, (index.table,))
        return changed


def _count(counts: Layers[str, int], name: str, more: int) -> Layers[str, int]:
    number = counts.get(name, 0) + more
    return counts.put(name, number) if number else counts.drop((name,))


def _is_temporary(name: QualifiedName) -> bool:
    return name.schema == TEMPORARY_SCHEMA


def _is_passing(table: "Table") -> bool:
    return table.is_empty or _is_temporary(table.name)


def _refers_alike(one: "Table", other: "Table") -> bool:
    """Return whether it is plain to see that the two refer to the same."""
    return (
        one.constraints is other.constraints
        and one.reads is other.reads
        and one.inherits is other.inherits
        and one.partition_of is other.partition_of
    )


def _mentioned(table: "Table") -> frozenset[QualifiedName]:
    names = {*table.inherits, *table.reads}
    if table.partition_of is not None:
        names.add(table.partition_of)
    for constraint in table.constraints.values():
        if constraint.references is not None:
            names.add(constraint.references)
    return frozenset(names)


def _add(places: _Names, name: QualifiedName, to: Iterable[QualifiedName]) -> _Names:
    for place in to:
        places = places.put(place, (*places.get(place, ()), name))
    return places


def _take(places: _Names, name: QualifiedName, out_of: Iterable[QualifiedName]) -> _Names:
    for place in out_of:
        left = tuple(one for one in places.get(place, ()) if one != name)
        places = places.put(place, left) if left else places.drop((place,))
    return places
