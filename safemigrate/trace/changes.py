"""What happened between two looks at one transaction."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from safemigrate.model import (
    Certainty,
    Lock,
    LockMode,
    QualifiedName,
    RewriteReason,
    TableRows,
)
from safemigrate.trace.counts import Counts, find_rows
from safemigrate.trace.looks import Look
from safemigrate.trace.relations import Relation, is_hidden
from safemigrate.trace.rewrites import find_reasons

__all__ = ["Changes", "find_changes", "find_rewrites", "find_scans", "name_locks"]

_SHOWN_WHEN_NEW = "rpvmf"


@dataclass(frozen=True, slots=True)
class Changes:
    """The observed part of an ObservedStatement."""

    locks: tuple[Lock, ...] = ()
    held: tuple[Lock, ...] = ()
    minor: tuple[QualifiedName, ...] = ()
    rewrites: tuple[QualifiedName, ...] = ()
    scans: tuple[QualifiedName, ...] = ()
    certainty: Certainty = Certainty.KNOWN
    rows: tuple[TableRows, ...] = ()
    rewrite_reasons: tuple[RewriteReason, ...] = ()
    lock_timeout_ms: int | None = None
    waited_for: tuple[str, ...] = ()


def find_changes(
    before: Look,
    after: Look,
    preexisting: Mapping[int, Relation],
    current: Mapping[int, Relation],
    counts: Mapping[int, Counts],
) -> Changes:
    """Return what a statement did between the looks.

    `preexisting`: the relations when the revision began. `current`: those known when the statement
    began; they lend the names. `counts`: the counters then.
    """
    held = {oid: max(modes) for oid, modes in after.modes.items()}
    new = {
        oid: max(modes - before.modes.get(oid, frozenset()))
        for oid, modes in after.modes.items()
        if modes - before.modes.get(oid, frozenset())
    }
    named = {**after.relations, **current}
    locks, minor = name_locks(new, held, named, preexisting)
    all_held, _ = name_locks(held, held, named, preexisting)
    return Changes(
        locks,
        tuple(lock for lock in all_held if lock.is_preexisting),
        minor,
        find_rewrites(current, after.relations, preexisting),
        find_scans(counts, after.counts, current, preexisting),
        rows=find_rows(counts, after.counts, named, preexisting),
        rewrite_reasons=find_reasons(before.rewrites, after.rewrites, named),
        lock_timeout_ms=before.lock_timeout_ms,
    )


def name_locks(
    modes: Mapping[int, LockMode],
    held: Mapping[int, LockMode],
    named: Mapping[int, Relation],
    preexisting: Mapping[int, Relation],
) -> tuple[tuple[Lock, ...], tuple[QualifiedName, ...]]:
    """Return the locks by name, and the names of those that nobody waits for.

    Left out: relations nobody names, ACCESS SHARE on an index, which planning takes, and new
    indexes and sequences, which nobody else can see.
    """
    locks: list[Lock] = []
    minor: list[QualifiedName] = []
    for oid, mode in modes.items():
        relation = named.get(oid)
        if relation is None or is_hidden(relation):
            continue
        is_preexisting = oid in preexisting
        if not is_preexisting and relation.kind not in _SHOWN_WHEN_NEW:
            continue
        if relation.is_index and mode is LockMode.ACCESS_SHARE:
            continue
        locks.append(Lock(relation.name, mode, is_preexisting))
        if _is_minor(relation, mode, held):
            minor.append(relation.name)
    locks.sort(key=lambda lock: (not lock.is_preexisting, lock.relation))
    return tuple(locks), tuple(sorted(minor))


def _is_minor(relation: Relation, mode: LockMode, held: Mapping[int, LockMode]) -> bool:
    if relation.table and held.get(relation.table) is LockMode.ACCESS_EXCLUSIVE:
        return True
    return (relation.is_index or relation.kind == "S") and mode <= LockMode.ROW_EXCLUSIVE


def find_rewrites(
    before: Mapping[int, Relation],
    after: Mapping[int, Relation],
    preexisting: Mapping[int, Relation],
) -> tuple[QualifiedName, ...]:
    """Return the tables that were there before and have another file now."""
    return _sorted(
        old.name
        for oid, now in after.items()
        if oid in preexisting
        and (old := before.get(oid)) is not None
        and old.has_rows
        and old.filenode is not None
        and now.filenode is not None
        and old.filenode != now.filenode
    )


def find_scans(
    before: Mapping[int, Counts],
    after: Mapping[int, Counts],
    named: Mapping[int, Relation],
    preexisting: Mapping[int, Relation],
) -> tuple[QualifiedName, ...]:
    """Return the tables that were there before and whose counter of sequential scans has risen."""
    return _sorted(
        named[oid].name
        for oid, now in after.items()
        if oid in preexisting and oid in named and now.scans > before.get(oid, Counts()).scans
    )


def _sorted(names: Iterable[QualifiedName]) -> tuple[QualifiedName, ...]:
    return tuple(sorted(names, key=lambda name: (name.schema or "", name.name)))
