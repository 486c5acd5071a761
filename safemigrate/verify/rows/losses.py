"""What became of rows between two states."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from safemigrate.model import QualifiedName
from safemigrate.verify.rows.states import Held

__all__ = [
    "Fill",
    "Loss",
    "cut_value",
    "find_fills",
    "find_later_losses",
    "find_losses",
    "find_reused",
]

_SHOWN = 40
_NOTHING = "NULL"


@dataclass(frozen=True, slots=True)
class Loss:
    """What a table lost; `column` is None where whole rows are gone.

    `rows`: how many. `example`: one of them. `is_new_column`: the column is there only with the
    new schema, so that the values have no place in the old one.
    """

    table: QualifiedName
    column: str | None
    rows: int
    example: str
    is_new_column: bool = False

    def __str__(self) -> str:
        if self.column is None:
            return f"{self.table}: {_count(self.rows, 'row')} gone, such as {self.example}"
        return (
            f"{self.table}.{self.column}: {_count(self.rows, 'value')} lost or changed, such as "
            f"{self.example}"
        )


@dataclass(frozen=True, slots=True)
class Fill:
    """Values of a column that were NULL before and are not any longer; `rows`: how many."""

    table: QualifiedName
    column: str
    rows: int

    def __str__(self) -> str:
        be, become = ("was", "is") if self.rows == 1 else ("were", "are")
        where = f"{self.table}.{self.column}"
        return f"{where}: {_count(self.rows, 'value')} {be} NULL before and {become} filled"


def cut_value(value: str) -> str:
    """Return a value as it is shown: not more than the beginning of a long one."""
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"


def find_reused(
    before: Held, upgraded: Held | None, middle: Held | None
) -> frozenset[tuple[str, ...]]:
    """Return the keys of rows that the upgrade deleted and that rows written after it got.

    Such a row is another one with the same key, as a trigger or a sample may give it.
    """
    if not before.key or upgraded is None or middle is None:
        return frozenset()
    return frozenset(before.rows.keys() & middle.rows.keys()) - upgraded.rows.keys()


def find_losses(
    before: Held, after: Held | None, reused: Collection[tuple[str, ...]] = ()
) -> Iterator[Loss]:
    """Yield what rows of `before` have lost; the schema is meant to be the same again.

    A NULL that is filled is no loss, for nobody wrote it; see `find_fills`. Without a primary key
    rows are not told apart, and the values of each column are compared as a bag. `reused`: keys
    that other rows have got in between, so that a row is back only where all of it is.
    """
    if not before.rows:
        return
    if after is None:
        key, values = next(iter(before.rows.items()))
        yield Loss(before.name, None, len(before.rows), _name(before, key, values))
        return
    if before.key and before.key == after.key:
        yield from _find_by_key(before, after, reused)
    else:
        yield from _find_in_bags(before, after)


def find_fills(
    before: Held, after: Held | None, reused: Collection[tuple[str, ...]] = ()
) -> Iterator[Fill]:
    """Yield where rows of `before` had NULL and have a value now, as in a backfill.

    `reused`: keys that other rows have got in between.
    """
    if after is None:
        return
    is_by_key = bool(before.key) and before.key == after.key
    positions = {one.name: position for position, one in enumerate(after.columns)}
    for position, column in enumerate(before.columns):
        at = positions.get(column.name)
        if at is None:
            continue
        empty = [key for key, values in before.rows.items() if values[position] is None]
        if is_by_key:
            rows = sum(
                key in after.rows and key not in reused and after.rows[key][at] is not None
                for key in empty
            )
        elif len(after.rows) >= len(before.rows):
            rows = len(empty) - sum(values[at] is None for values in after.rows.values())
        else:
            rows = 0
        if rows > 0:
            yield Fill(before.name, column.name, rows)


def find_later_losses(
    before: Held | None,
    upgraded: Held | None,
    middle: Held,
    end: Held | None,
    again: Held | None,
) -> Iterator[Loss]:
    """Yield what the rows have lost that were written after the upgrade.

    `before`: what was there before the upgrade; `upgraded`: right after it, so that rows of its own
    are known, which the downgrade may take back; `middle`: with what was written then; `end`: after
    the downgrade; `again`: after another upgrade, None where there was none. A value is kept where
    it is the same at the end, or the same again: then the schema before has it in another form.
    """
    if not middle.key or (before is not None and before.key != middle.key):
        yield from _find_missing(before, upgraded, middle, end)
        return
    known = (upgraded or before or replace(middle, rows={})).rows
    written = [key for key in middle.rows if key not in known]
    if end is None:
        if written and (again is None or any(key not in again.rows for key in written)):
            yield replace(_gone(middle, written), is_new_column=before is None)
        return
    there = [key for key in written if key in end.rows]
    if len(there) < len(written):
        if _key_types(middle) != _key_types(end):
            # the same key may be another text then, and only their number tells
            yield from _find_missing(before, upgraded, middle, end)
            return
        yield _gone(middle, [key for key in written if key not in end.rows])
    for position, column in enumerate(middle.columns):
        at = end.find(column, is_same_table=end.oid == middle.oid)
        later = None if again is None else again.find(column, is_same_table=False)
        lost = [
            (key, middle.rows[key][position], _value(end, key, at))
            for key in there
            if not _is_kept(middle.rows[key][position], end, key, at)
            and not (again is not None and _is_kept(middle.rows[key][position], again, key, later))
        ]
        if lost:
            example = _change(middle, *lost[0])
            yield Loss(middle.name, column.name, len(lost), example, is_new_column=at is None)


def _key_types(held: Held) -> list[str]:
    return [one.type for one in held.columns if one.is_key]


def _value(held: Held, key: tuple[str, ...], position: int | None) -> str | None:
    return None if position is None else held.rows[key][position]


def _is_kept(value: str | None, held: Held, key: tuple[str, ...], position: int | None) -> bool:
    """Return whether a row has the value; NULL is also kept by not having the column."""
    if position is None:
        return value is None
    return key in held.rows and held.rows[key][position] == value


def _find_by_key(before: Held, after: Held, reused: Collection[tuple[str, ...]]) -> Iterator[Loss]:
    missing = [
        key
        for key, values in before.rows.items()
        if key not in after.rows or (key in reused and after.rows[key] != values)
    ]
    if missing:
        yield _gone(before, missing)
    there = [key for key in before.rows if key in after.rows and key not in reused]
    positions = {one.name: position for position, one in enumerate(after.columns)}
    for position, column in enumerate(before.columns):
        at = positions.get(column.name)
        lost = [
            (key, before.rows[key][position], None if at is None else after.rows[key][at])
            for key in there
            if before.rows[key][position] is not None
            and (at is None or after.rows[key][at] != before.rows[key][position])
        ]
        if lost:
            yield Loss(before.name, column.name, len(lost), _change(before, *lost[0]))


def _find_in_bags(before: Held, after: Held) -> Iterator[Loss]:
    if len(after.rows) < len(before.rows):
        key, values = next(iter(before.rows.items()))
        lost = len(before.rows) - len(after.rows)
        yield Loss(before.name, None, lost, f"one like {_name(before, key, values)}")
    positions = {one.name: position for position, one in enumerate(after.columns)}
    for position, column in enumerate(before.columns):
        at = positions.get(column.name)
        had = Counter(values[position] for values in before.rows.values())
        has = Counter(values[at] for values in after.rows.values()) if at is not None else Counter()
        gone = had - has
        gone.pop(None, None)
        if gone and (at is None or len(after.rows) >= len(before.rows)):
            yield Loss(before.name, column.name, gone.total(), _show(next(iter(gone))))


def _find_missing(
    before: Held | None, upgraded: Held | None, middle: Held, end: Held | None
) -> Iterator[Loss]:
    """Yield that there are fewer rows than were written, where rows cannot be told apart."""
    there = 0 if before is None else len(before.rows)
    known = max(there, 0 if upgraded is None else len(upgraded.rows))
    written = len(middle.rows) - known
    kept = (0 if end is None else len(end.rows)) - there
    if written > 0 and kept < written:
        key, values = next(reversed(list(middle.rows.items())))
        yield Loss(
            middle.name, None, written - max(kept, 0), f"one like {_name(middle, key, values)}"
        )


def _gone(held: Held, keys: list[tuple[str, ...]]) -> Loss:
    return Loss(held.name, None, len(keys), _name(held, keys[0], held.rows[keys[0]]))


def _name(held: Held, key: tuple[str, ...], values: tuple[str | None, ...]) -> str:
    """Name a row by its key, else by all it holds."""
    if held.key:
        return ", ".join(
            f"{one}={cut_value(part)}" for one, part in zip(held.key, key, strict=True)
        )
    return "(" + ", ".join(map(_show, values)) + ")"


def _change(held: Held, key: tuple[str, ...], was: str | None, became: str | None) -> str:
    return f"{_name(held, key, ())}: {_show(was)} -> {_show(became)}"


def _show(value: str | None) -> str:
    return _NOTHING if value is None else repr(cut_value(value))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"
