"""How two snapshots differ, in lines that a person reads."""

import re
from collections.abc import Collection, Iterator

from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.verify.definitions import read_attributes
from safemigrate.verify.snapshots import Snapshot

__all__ = [
    "find_differences",
    "find_reordered",
    "find_validated",
    "leave_out_parts",
    "split_identity",
]

_NAME = re.compile(r'"(?:[^"]|"")*"|[^".]+')
_NAMELESS = "definition"
_NOTHING = "none"
_NOT_VALID = " NOT VALID"
_LINE_LENGTH = 160
_VALUE_LENGTH = 100
_CONTEXT_LENGTH = 30
# Parts of a table: with the table gone or there, nothing is said by naming them too.
_PARTS = frozenset({"column", "constraint", "policy", "rule", "trigger"})
_WHOLES = frozenset({"foreign table", "materialized view", "table", "type", "view"})


def find_differences(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Return one line per object that is new, gone or different in `after`.

    `+ index public.i CREATE INDEX …`, `- column public.t.a type=integer`,
    `~ column public.t.a: type=integer -> bigint`. The order of columns does not count, nor does a
    constraint that is valid in `after` and was not before: nobody can take back that its rows are
    as it says.
    """
    if before.objects == after.objects:
        # nearly always, and sooner known than sorted
        return ()
    added = after.objects.keys() - before.objects.keys()
    removed = before.objects.keys() - after.objects.keys()
    lines = [
        *(_line("+", key, after.objects[key]) for key in leave_out_parts(added)),
        *(_line("-", key, before.objects[key]) for key in leave_out_parts(removed)),
        *(
            f"~ {key[0]} {key[1]}: {_changes(definition, after.objects[key])}"
            for key, definition in sorted(before.objects.items())
            if after.objects.get(key, definition) != definition
            and not _is_validated(key, definition, after.objects[key])
        ),
    ]
    return tuple(lines)


def find_validated(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Return one line per constraint that is valid in `after`, was not before, and is the same."""
    validated = (
        key[1]
        for key, definition in before.objects.items()
        if _is_validated(key, definition, after.objects.get(key, definition))
    )
    return tuple(f"constraint {identity} stays valid" for identity in sorted(validated))


def _is_validated(key: tuple[str, str], before: str, after: str) -> bool:
    # nearly all are no constraints, or as they were, and that is seen at once
    if key[0] != "constraint" or before == after:
        return False
    old, new = _attributes(before), _attributes(after)
    if "valid" not in old or "valid" in new:
        return False
    del old["valid"]
    definition = old.get(_NAMELESS, "").removesuffix(_NOT_VALID)
    return {**old, _NAMELESS: definition} == new


def find_reordered(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """Return one line per table that has the same columns in another order.

    `SELECT *`, COPY and INSERT without a list of columns see it.
    """
    return tuple(
        f"column order of {table}: {order} -> {after.column_orders[table]}"
        for table, order in sorted(before.column_orders.items())
        if table in after.column_orders
        and after.column_orders[table] != order
        and sorted(after.column_orders[table].split(", ")) == sorted(order.split(", "))
    )


def leave_out_parts(keys: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the kinds and identities, sorted, without the parts of tables that are among them."""
    wholes = {identity for kind, identity in keys if kind in _WHOLES}
    return sorted(
        key for key in keys if key[0] not in _PARTS or split_identity(key[1])[0] not in wholes
    )


def split_identity(identity: str) -> tuple[str, str]:
    """Return what the last name of an identity is in, and that name, both as they are quoted."""
    *place, name = _NAME.findall(identity)
    return ".".join(place), name


def _line(sign: str, key: tuple[str, str], definition: str) -> str:
    kind, identity = key
    parts = [
        _part(name, hide_sql_passwords(value)) for name, value in _attributes(definition).items()
    ]
    line = f"{sign} {kind} {identity} {', '.join(parts)}".rstrip()
    return line if len(line) <= _LINE_LENGTH else line[: _LINE_LENGTH - 1] + "…"


def _changes(before: str, after: str) -> str:
    old, new = _attributes(before), _attributes(after)
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return ", ".join(_change(name, old.get(name), new.get(name)) for name in names)


def _change(name: str, before: str | None, after: str | None) -> str:
    old, new = (_NOTHING if one is None else hide_sql_passwords(one) for one in (before, after))
    old, new = _around_difference(old, new)
    return f"{_part(name, old)} -> {new}"


def _part(name: str, value: str) -> str:
    return value if name == _NAMELESS else f"{name}={value}"


def _attributes(definition: str) -> dict[str, str]:
    """Return the values by name, each on one line."""
    return {name: " ".join(value.split()) for name, value in read_attributes(definition).items()}


def _around_difference(before: str, after: str) -> tuple[str, str]:
    """Cut what both have in common from the front of long values, and both to a length."""
    if max(len(before), len(after)) <= _VALUE_LENGTH:
        return before, after
    common = next(_differing(before, after), 0)
    start = max(0, common - _CONTEXT_LENGTH)
    return _cut(before, start), _cut(after, start)


def _differing(before: str, after: str) -> Iterator[int]:
    """Yield the positions, from the front, at which the texts differ."""
    for position, (one, other) in enumerate(zip(before, after, strict=False)):
        if one != other:
            yield position
    yield min(len(before), len(after))


def _cut(text: str, start: int) -> str:
    head = "…" if start else ""
    tail = "…" if len(text) > start + _VALUE_LENGTH else ""
    return head + text[start : start + _VALUE_LENGTH] + tail
