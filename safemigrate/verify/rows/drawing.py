"""Rows drawn for a table, before anybody has asked whether it takes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from zlib import crc32

from safemigrate.verify.rows.tables import Column, Key, Reference, Table
from safemigrate.verify.rows.values import Pool

__all__ = ["Drawer", "Row"]

# Column → the text of its value, or None for NULL.
Row = dict[str, str | None]

_RADIX = 7
_SPREAD = 11
_FAR = 10_000
_NULL_EVERY = 6
# what is tried in one or two of eight cases; in the others, what conditions suggest
_NULLS, _COPY, _RARE, _PLAIN = {0, 1}, 2, 3, 4
_TRIED = 200


@dataclass(slots=True)
class Drawer:
    """Draws the rows of one table; the same ones each time.

    `pools`: the values of each column. `suggested`: what conditions on a column may be met with.
    `parents`: for each reference, the keys that there are. `counters`: the values drawn from the
    sequence behind a column, by position. `promised`: what other tables refer to already, by
    position.
    """

    table: Table
    pools: Mapping[str, Pool]
    suggested: Mapping[str, Sequence[str]] = field(default_factory=dict)
    parents: dict[str, Sequence[tuple[str, ...]]] = field(default_factory=dict)
    counters: dict[str, Sequence[str]] = field(default_factory=dict)
    promised: list[Row] = field(default_factory=list)
    _columns: dict[str, Column] = field(default_factory=dict)
    _digits: dict[str, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._columns = {one.name: one for one in self.table.written}

    def refer_to(self, parents: Mapping[str, Sequence[tuple[str, ...]]]) -> None:
        """Take what there is to refer to, and decide what makes rows differ in their keys."""
        self.parents.update(parents)
        self._digits = {}
        for key in self.table.keys or ():
            self._plan_key(key)

    def promise(
        self, names: Sequence[str], counters: Mapping[str, Sequence[str]], rows: int
    ) -> list[tuple[str, ...]]:
        """Decide the values of those columns in rows still to be drawn, and return them."""
        self.promised = [
            {
                name: counters[name][position] if name in counters else self._value(name, position)
                for name in names
            }
            for position in range(rows)
        ]
        return [tuple(value or "" for value in row.values()) for row in self.promised]

    def draw(self, position: int, counted: int = 0) -> Row:
        """Return the row at a position; all differ in their keys, as far as values reach.

        `counted`: the position among the values of `counters`.
        """
        row: Row = {}
        for reference in self.table.references or ():
            self._refer(row, reference, position)
        for name, column in self._columns.items():
            if name in row:
                continue
            if name in self.counters:
                row[name] = self.counters[name][counted]
            elif self._is_null(column, position):
                row[name] = None
            else:
                row[name] = self._value(name, position)
        for reference in self.table.references or ():
            self._refer_to_itself(row, reference)
        if counted < len(self.promised):
            row.update(self.promised[counted])
        return row

    def vary(self, row: Row, columns: Sequence[str], position: int, attempt: int) -> Row:
        """Return the row with other values in those columns."""
        varied = dict(row)
        references = [
            one
            for one in self.table.references or ()
            if set(one.columns) & set(columns) and self.parents.get(one.name)
        ]
        bound = {name for one in references for name in one.columns}
        for number, name in enumerate(columns):
            if name not in self._columns or name in bound:
                continue
            chance = _mix(self.table.name, name, position, attempt)
            # in one of three attempts all change, else only some, and NULL and copies are tried
            if attempt % 3 and len(columns) > 1 and (attempt + number) % len(columns):
                continue
            varied[name] = self._other_value(varied, name, columns, chance)
        for one in references:
            keys = self.parents[one.name]
            chosen = keys[_mix(self.table.name, one.name, position, attempt) % len(keys)]
            varied.update(zip(one.columns, chosen, strict=True))
        return varied

    def follow(self, row: Row, columns: Sequence[str], model: Row) -> Row:
        """Return the row with the values of another one in those columns, but for those in keys."""
        taken = {
            name: model[name]
            for name in columns
            if name in model
            and name not in self.counters
            and self._part_of(name) not in self._digits
        }
        bound = [
            one.columns
            for one in self.table.references or ()
            if len(one.columns) > 1 and taken.keys() & set(one.columns)
        ]
        # a reference of several columns is taken whole
        whole = {name: model[name] for columns_of in bound for name in columns_of}
        return {**row, **taken, **whole}

    def _other_value(self, row: Row, name: str, columns: Sequence[str], chance: int) -> str | None:
        column, suggested = self._columns[name], self.suggested.get(name, ())
        others = [
            one
            for one in columns
            if one != name and one in row and self._columns[one].type == column.type
        ]
        kind, chance = chance % 8, chance // 8
        if kind in _NULLS and column.is_nullable:
            return None
        if kind == _COPY and others:
            return row[others[chance % len(others)]]
        pool = self.pools[name]
        if kind == _RARE and pool.rare:
            return pool.rare[chance % len(pool.rare)]
        if kind != _PLAIN and suggested:
            return suggested[chance % len(suggested)]
        return pool.value(chance % min(pool.size, _TRIED)) if pool.size else None

    def _value(self, name: str, position: int) -> str | None:
        pool = self.pools[name]
        if pool.size == 0:
            return None
        suggested = self.suggested.get(name, ())
        if name in self._digits:
            digit = self._digit(name, position)
            # once all values have been there, NULL is none of them
            is_open = digit >= pool.size and self._columns[name].is_nullable
            return None if is_open else pool.value(digit)
        if position == 0:
            # the same one in every table, for a third may refer to two of them by it
            return suggested[0] if suggested else pool.value(0)
        chance = _mix(self.table.name, name, position, 0)
        if suggested and chance % 2:
            return suggested[chance // 2 % len(suggested)]
        # what is drawn by chance comes up twice, and that is wanted
        drawn = chance % min(pool.size, len(pool.first) + _SPREAD)
        is_far = drawn >= len(pool.first) and pool.size > 2 * _FAR
        # and it is not what stands in the key of another table, unless it refers to that
        return pool.value(drawn + _FAR if is_far else drawn)

    def _is_null(self, column: Column, position: int) -> bool:
        if not column.is_nullable or column.name in self.counters:
            return False
        if self.pools[column.name].size == 0:
            return True
        chance = _mix(self.table.name, column.name, position, -1)
        return position > 0 and chance % _NULL_EVERY == 0

    def _refer(self, row: Row, reference: Reference, position: int) -> None:
        """Take the columns of a reference from a row that is there, or leave them NULL."""
        keys = self.parents.get(reference.name)
        if not keys:
            if reference.target != self.table.qualified:
                row.update(dict.fromkeys(self._nullable_of(reference)))
            return
        nullable = self._nullable_of(reference)
        chance = _mix(self.table.name, reference.name, position, 0)
        if nullable and position > 0 and chance % _NULL_EVERY == 0 and not row.keys() & nullable:
            row.update(dict.fromkeys(nullable))
            if reference.is_full or len(nullable) == len(reference.columns):
                return
        fixed = [(at, row[name]) for at, name in enumerate(reference.columns) if name in row]
        if fixed:
            keys = [key for key in keys if all(key[at] == value for at, value in fixed)]
            if not keys:
                row.update(dict.fromkeys(nullable))
                return
        else:
            keys = self._keep_matched(reference, keys)
        name = reference.name
        index = self._digit(name, position) if name in self._digits else chance
        chosen = keys[index % len(keys)]
        for column, value in zip(reference.columns, chosen, strict=True):
            row.setdefault(column, value)

    def _keep_matched(
        self, reference: Reference, keys: Sequence[tuple[str, ...]]
    ) -> Sequence[tuple[str, ...]]:
        """Return the keys that leave one to the other references which share a column with it."""
        for other in self.table.references or ():
            shared = [name for name in reference.columns if name in other.columns]
            theirs = self.parents.get(other.name)
            if other is reference or not shared or not theirs:
                continue
            ours_at = [reference.columns.index(name) for name in shared]
            their_at = [other.columns.index(name) for name in shared]
            there = {tuple(key[at] for at in their_at) for key in theirs}
            keys = [key for key in keys if tuple(key[at] for at in ours_at) in there] or keys
        return keys

    def _refer_to_itself(self, row: Row, reference: Reference) -> None:
        """Let a row refer to itself, where there is no other one yet."""
        if reference.target != self.table.qualified or self.parents.get(reference.name):
            return
        nullable = self._nullable_of(reference)
        if nullable:
            row.update(dict.fromkeys(nullable))
        else:
            row.update(
                {
                    column: row.get(target)
                    for column, target in zip(reference.columns, reference.targets, strict=True)
                }
            )

    def _nullable_of(self, reference: Reference) -> list[str]:
        """Return the columns that may be NULL so that nothing is referred to."""
        if reference.is_full and not all(self._is_nullable(one) for one in reference.columns):
            return []
        return [one for one in reference.columns if self._is_nullable(one)]

    def _is_nullable(self, name: str) -> bool:
        column = self._columns.get(name)
        return column is not None and column.is_nullable

    def _plan_key(self, key: Key) -> None:
        """Decide which part of a key changes with every row, and which now and then.

        A key of several columns counts like a number of several digits, so that each of the columns
        has the same value in some rows.
        """
        parts = list(dict.fromkeys(self._part_of(name) for name in key.columns or ()))
        counted = {name for name in self.counters if name in parts}
        if counted or not parts:
            return
        if any(self._digits.get(part, (0, 0)) == (1, 0) for part in parts):
            return
        free = [part for part in parts if part not in self._digits]
        if not free:
            return
        widest = max(free, key=lambda part: (self._size(part), parts.index(part)))
        if len(free) < len(parts):
            self._digits[widest] = (1, 0)
            return
        sizes: list[int] = []
        for part in free:
            if part != widest:
                size = max(1, min(self._size(part), _RADIX))
                self._digits[part] = (prod(sizes), size)
                sizes.append(size)
        self._digits[widest] = (prod(sizes), 0)

    def _part_of(self, name: str) -> str:
        """Return the reference that a column belongs to, else the column itself."""
        for one in self.table.references or ():
            if name in one.columns and self.parents.get(one.name):
                return one.name
        return name

    def _size(self, part: str) -> int:
        keys = self.parents.get(part)
        if keys:
            return len(keys)
        pool = self.pools.get(part)
        return 0 if pool is None else pool.size

    def _digit(self, part: str, position: int) -> int:
        weight, radix = self._digits[part]
        digit = position // weight
        return digit % radix if radix else digit


def _mix(*parts: object) -> int:
    """Return a number that looks like chance and is the same each time."""
    return crc32("\x1f".join(map(str, parts)).encode())
