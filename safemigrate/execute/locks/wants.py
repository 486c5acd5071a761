"""What a text wants: the locks it and the rest of its transaction take, as far as they matter."""

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from safemigrate.model import (
    Catalog,
    LockMode,
    QualifiedName,
    RelationKind,
    SetVariable,
    TransactionControl,
)
from safemigrate.model.names import TEMPORARY_SCHEMA
from safemigrate.plan import Foreseen

__all__ = ["Demand", "Want", "is_felt", "read_demand"]

_LOCKABLE = frozenset({RelationKind.TABLE, RelationKind.PARTITIONED_TABLE})
_ROW_LOCKS = frozenset({LockMode.ROW_SHARE, LockMode.ROW_EXCLUSIVE})


@dataclass(frozen=True, slots=True)
class Want:
    """A lock that is wanted on a relation that others use.

    `is_lockable`: LOCK TABLE takes it, and no other relation with it.
    https://www.postgresql.org/docs/current/sql-lock.html
    """

    relation: QualifiedName
    mode: LockMode
    is_lockable: bool

    @property
    def sql_name(self) -> str:
        """The name as it is written in SQL."""
        return sql.Identifier(*(part for part in self.relation if part is not None)).as_string()


@dataclass(frozen=True, slots=True)
class Demand:
    """What a text wants.

    `now`: the locks it takes that the application would feel. `ahead`: these, and those that the
    rest of its transaction takes. `has_weak`: it takes others on relations that were there before.
    `takes_row_locks`: it may wait for rows, and others may wait for those that it has locked.
    `is_open`: it may take locks that are not foreseen. `ends_transaction`: it may end the one it
    is in, or go back in it. `sets_timeout`: it says itself how long to wait for locks.
    `may_commit`: it can end by halves where it is not in a transaction.
    """

    now: tuple[Want, ...]
    ahead: tuple[Want, ...]
    has_weak: bool
    takes_row_locks: bool
    is_open: bool
    ends_transaction: bool
    sets_timeout: bool
    may_commit: bool


def is_felt(mode: LockMode) -> bool:
    """Return whether reading or writing has to wait while a lock of this mode is held."""
    return mode >= LockMode.SHARE


def read_demand(foreseen: Foreseen) -> Demand:
    """Return what the text wants."""
    events = [event for one in foreseen.statements for event in one.events]
    catalog = events[0].before if events else Catalog()
    ahead = tuple(
        _want(lock.relation, lock.mode, catalog)
        for lock in foreseen.ahead
        if is_felt(lock.mode) and lock.relation.schema != TEMPORARY_SCHEMA
    )
    own = {lock.relation: lock.mode for lock in foreseen.facts.locks}
    old = {lock.relation for lock in foreseen.ahead}
    modes = {mode for relation, mode in own.items() if relation in old}
    return Demand(
        now=_without_covered(
            (want for want in ahead if is_felt(own.get(want.relation, LockMode.ACCESS_SHARE))),
            catalog,
        ),
        ahead=_without_covered(ahead, catalog),
        has_weak=any(not is_felt(mode) for mode in modes),
        takes_row_locks=not modes.isdisjoint(_ROW_LOCKS),
        is_open=any(event.gap for event in events)
        or any(one.syntax_error for one in foreseen.statements),
        ends_transaction=any(isinstance(event.action, TransactionControl) for event in events),
        sets_timeout=any(
            isinstance(event.action, SetVariable) and event.action.name == "lock_timeout"
            for event in events
        ),
        may_commit=any(event.is_in_body or event.section for event in events),
    )


def _want(relation: QualifiedName, mode: LockMode, catalog: Catalog) -> Want:
    table = catalog.tables.get(relation)
    return Want(relation, mode, table is not None and table.kind in _LOCKABLE)


def _without_covered(wants: Iterable[Want], catalog: Catalog) -> tuple[Want, ...]:
    """Leave out the indexes of tables that are wanted as strongly: who uses one holds its table."""
    listed = tuple(wants)
    modes = {want.relation: want.mode for want in listed}
    kept = []
    for want in listed:
        index = catalog.indexes.get(want.relation)
        if (
            index is not None
            and (mode := modes.get(index.table)) is not None
            and (mode >= want.mode)
        ):
            continue
        kept.append(want)
    return tuple(kept)
