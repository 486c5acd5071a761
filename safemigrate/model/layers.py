"""A mapping as a value: one that is changed shares what stayed the same with the one before."""

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from math import isqrt
from typing import Generic, Self, TypeVar, overload

__all__ = ["Layers"]

Key = TypeVar("Key")
Value = TypeVar("Value")
Other = TypeVar("Other")

_SMALL = 32


class Layers(Mapping[Key, Value], Generic[Key, Value]):
    """A mapping in the order in which its keys came. No value of it is None.

    A history has as many of them as statements. Each is a dictionary that many have in common, and
    a small one of what was changed since, so that none costs as much as all that is in it.
    `base`: the first. `changes`: the second, None for what was taken out. Nobody may change them.
    """

    __slots__ = ("base", "changes")

    base: dict[Key, Value]
    changes: dict[Key, Value | None]

    def __init__(self, items: Mapping[Key, Value] | Iterable[tuple[Key, Value]] = ()) -> None:
        self.base = dict(items)
        self.changes = {}

    def put(self, key: Key, value: Value) -> Self:
        """Return the same with that value; a new key comes last."""
        if self.changes.get(key, self) is None:
            # It was taken out, and does not come back to where it stood.
            return self._with(self.merge(), {key: value})
        return self._with(self.base, {**self.changes, key: value})

    def drop(self, keys: Iterable[Key]) -> Self:
        """Return the same without the keys, as far as they are there."""
        changes = dict(self.changes)
        for key in keys:
            if key in self.base:
                changes[key] = None
            else:
                changes.pop(key, None)
        return self._with(self.base, changes)

    def list_differing(self, other: "Layers[Key, Value]") -> list[Key]:
        """Return the keys that only one of the two has, or with another object each."""
        base, mine, theirs = self.base, self.changes, other.changes
        if base is not other.base:
            return [
                key for key in self.keys() | other.keys() if self.get(key) is not other.get(key)
            ]
        return [
            key
            for key in mine.keys() | theirs.keys()
            if mine.get(key, base.get(key)) is not theirs.get(key, base.get(key))
        ]

    def _with(self, base: dict[Key, Value], changes: dict[Key, Value | None]) -> Self:
        found = type(self).__new__(type(self))
        found.base, found.changes = base, changes
        if len(changes) > max(_SMALL, 2 * isqrt(len(base))):
            found.base, found.changes = found.merge(), {}
        return found

    def merge(self) -> dict[Key, Value]:
        """Return all that there is; nobody may change it."""
        if not self.changes:
            return self.base
        merged = self.base.copy()
        for key, value in self.changes.items():
            if value is None:
                del merged[key]
            else:
                merged[key] = value
        return merged

    def __getitem__(self, key: Key) -> Value:
        if key in self.changes:
            found = self.changes[key]
            if found is None:
                raise KeyError(key)
            return found
        return self.base[key]

    @overload
    def get(self, key: Key, /) -> Value | None: ...
    @overload
    def get(self, key: Key, /, default: Value | Other) -> Value | Other: ...
    def get(self, key: Key, /, default: object = None) -> object:
        """Return the value, or `default` where there is none."""
        if key in self.changes:
            found = self.changes[key]
            return default if found is None else found
        return self.base.get(key, default)

    def __contains__(self, key: object) -> bool:
        if key in self.changes:
            return self.changes[key] is not None
        return key in self.base

    def __iter__(self) -> Iterator[Key]:
        return iter(self.merge())

    def __len__(self) -> int:
        return len(self.merge())

    def keys(self) -> KeysView[Key]:
        """Return the keys, in order."""
        return self.merge().keys()

    def values(self) -> ValuesView[Value]:
        """Return the values, in the order of their keys."""
        return self.merge().values()

    def items(self) -> ItemsView[Key, Value]:
        """Return keys and values, in order."""
        return self.merge().items()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.merge()!r})"
