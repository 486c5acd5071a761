"""What rows are drawn from: the values of each column, and those that conditions suggest."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from safemigrate.trace import Connection
from safemigrate.verify.rows.conditions import suggest_values
from safemigrate.verify.rows.drawing import Drawer
from safemigrate.verify.rows.fitting import Types, find_fitting
from safemigrate.verify.rows.kindness import find_other_type
from safemigrate.verify.rows.tables import Check, Column, Schema, Table, Type
from safemigrate.verify.rows.values import Pool, find_pool

__all__ = ["Part", "prepare_tables"]

# So many values at least are tried of a type that does not take all that it seems to.
_LEAST_TRIED = 120
_ANY_LETTER = "utf-8"
_NAME = re.compile(r'"((?:[^"]|"")+)"|([^\W0-9][\w$]*)')


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table to be drawn together: all of a plain table, or those of one partition.

    `leaf`: its position among the partitions, None for a plain table. `checks`: what they meet.
    """

    drawer: Drawer
    leaf: int | None
    checks: tuple[Check, ...]


def prepare_tables(
    connection: Connection,
    tables: Sequence[Table],
    schema: Schema,
    kind_to: Schema | None,
    rows: int,
) -> list[list[Part]]:
    """Return the parts of each table, with drawers that know what the server takes.

    `kind_to`: another schema, whose types are to take the values too.
    """
    encoding = connection.info.encoding
    drafts = [
        [_draft(table, schema, kind_to, leaf, encoding) for leaf in _leaves(table)]
        for table in tables
    ]
    tried: dict[Types, dict[str, None]] = {}
    for draft in (one for drafts_of in drafts for one in drafts_of):
        for source in draft.sources:
            tried.setdefault(source.types, {}).update(dict.fromkeys(source.to_be_tried(rows)))
    fitting = find_fitting(connection, {types: list(values) for types, values in tried.items()})
    return [[draft.finish(rows, fitting) for draft in drafts_of] for drafts_of in drafts]


def _leaves(table: Table) -> Iterable[int | None]:
    return range(len(table.leaves or ())) if table.is_partitioned else (None,)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the values of one column come from.

    `types`: what they are to fit. `is_text`: any text is a value. `is_choosy`: not all in the pool
    need be one.
    """

    column: Column
    pools: tuple[Pool, ...]
    suggested: tuple[str, ...]
    types: Types
    is_text: bool
    is_choosy: bool

    def within(self, encoding: str) -> "_Source":
        """Return the same with what an encoding can hold."""
        return replace(self, pools=tuple(one.within(encoding) for one in self.pools))

    def to_be_tried(self, rows: int) -> Iterator[str]:
        """Yield the values that may not fit."""
        if not self.is_text or self.types[1]:
            yield from self.suggested
        if self.is_choosy:
            yield from self._candidates(rows)

    def suggest(self, fits: frozenset[str]) -> tuple[str, ...]:
        """Return what conditions suggest and the types take."""
        if self.is_text and not self.types[1]:
            return self.suggested
        return tuple(one for one in self.suggested if one in fits)

    def pool(self, rows: int, fits: frozenset[str]) -> Pool:
        """Return the values that the types take."""
        if not self.is_choosy:
            return self.pools[0]
        values = dict.fromkeys(one for one in self._candidates(rows) if one in fits)
        return Pool(tuple(values), size=len(values))

    def _candidates(self, rows: int) -> Iterator[str]:
        for pool in self.pools:
            yield from pool.first
        yield from self.suggested
        for pool in self.pools:
            yield from pool.rare
            for position in range(min(pool.size, max(rows + len(pool.first), _LEAST_TRIED))):
                yield pool.value(position)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A part before the server was asked which values fit."""

    table: Table
    leaf: int | None
    checks: tuple[Check, ...]
    sources: tuple[_Source, ...]

    def finish(self, rows: int, fitting: Mapping[Types, frozenset[str]]) -> Part:
        """Return the part with what fits."""
        nothing: frozenset[str] = frozenset()
        fits = {one.column.name: fitting.get(one.types, nothing) for one in self.sources}
        pools = {one.column.name: one.pool(rows, fits[one.column.name]) for one in self.sources}
        suggested = {one.column.name: one.suggest(fits[one.column.name]) for one in self.sources}
        return Part(Drawer(self.table, pools, suggested), self.leaf, self.checks)


def _draft(
    table: Table, schema: Schema, kind_to: Schema | None, leaf: int | None, encoding: str
) -> _Draft:
    checks = tuple(table.checks or ())
    if leaf is not None and table.leaves:
        chosen = table.leaves[leaf]
        if chosen.condition:
            bounds = Check(chosen.name, chosen.condition, _read_by(table, chosen.condition))
            checks = (bounds, *checks)
        checks = (*checks, *(chosen.checks or ()))
    sources = tuple(_source(table, one, schema, kind_to, checks) for one in table.written)
    if encoding != _ANY_LETTER:
        sources = tuple(one.within(encoding) for one in sources)
    return _Draft(table, leaf, checks, sources)


def _source(
    table: Table, column: Column, schema: Schema, kind_to: Schema | None, checks: Iterable[Check]
) -> _Source:
    types, own = schema.types, schema.types[column.type]
    conditions = [one.expression for one in checks if column.name in one.reads]
    conditions += _domain_checks(types, column.type)
    pools = [find_pool(types, column.type, column.modifier)]
    is_choosy = _is_choosy(types, column.type) or pools[0].is_guess
    other_sql = ""
    other = find_other_type(table, column.name, kind_to)
    if other is not None and kind_to is not None:
        other_type, modifier, other_sql = other
        others = find_pool(kind_to.types, other_type.oid, modifier)
        conditions += _domain_checks(kind_to.types, other_type.oid)
        # a type that is still to be made, or is gone already, is not there to be asked
        is_known = other_type.kind == "b" or schema.knows(other_type)
        pools = [*pools, others] if is_known else [others]
        other_sql = other_sql if is_known else ""
        is_choosy = True
    return _Source(
        column,
        tuple(pools),
        suggest_values(conditions),
        (column.sql, other_sql),
        own.name in {"text", "varchar", "bpchar"},
        is_choosy,
    )


def _read_by(table: Table, condition: str) -> tuple[str, ...]:
    """Return the columns that a condition reads."""
    words = {(quoted or plain).replace('""', '"') for quoted, plain in _NAME.findall(condition)}
    return tuple(one.name for one in table.columns or () if one.name in words)


def _domain_checks(types: Mapping[int, Type], oid: int) -> list[str]:
    """Return the conditions of a domain, or of the elements of an array of one."""
    one = types[oid]
    inner = one.base or one.element
    return [*(one.checks or ()), *(_domain_checks(types, inner) if inner else ())]


def _is_choosy(types: Mapping[int, Type], oid: int) -> bool:
    """Return whether a domain with a condition has a say about a value of the type."""
    one = types[oid]
    if one.kind == "d" and (one.checks or not one.is_nullable):
        return True
    parts = [part for part, _ in one.parts or ()]
    inner = [part for part in (one.base, one.element, one.subtype, *parts) if part]
    return any(_is_choosy(types, part) for part in inner)
