"""What `upgrade` does about a statement: whether it runs at once, looks first, or watches it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from safemigrate.model import (
    Action,
    CreateIndex,
    DetachPartition,
    DropIndex,
    Event,
    ExplainedStatement,
    Lock,
    QualifiedName,
    Reindex,
    RelationKind,
    ValidateConstraint,
    blocked_commands,
)

__all__ = ["Course", "Proceeding", "choose_proceedings", "list_hindering", "list_locks"]


class Course(Enum):
    """How a statement is taken to the server.

    `AT_ONCE`: it keeps nobody waiting. `LOOK_THEN_LOCK`: once nobody holds what it needs.
    `LOCKED_ALREADY`: an earlier statement of its transaction has taken its locks. `SUPERVISED`: it
    runs for long beside the application, and is watched. `BY_PARTITION`: the same, a partition
    after the other. `DONE_BEFORE`: an earlier run has done it.
    """

    AT_ONCE = "at once"
    LOOK_THEN_LOCK = "look, then lock"
    LOCKED_ALREADY = "locked already"
    SUPERVISED = "supervised"
    BY_PARTITION = "by partition"
    DONE_BEFORE = "done before"


@dataclass(frozen=True, slots=True)
class Proceeding:
    """What is done about a statement.

    `together`: the relations that it locks, and those that the rest of its transaction will, where
    they are locked with it. `waits_for_snapshots`: it ends only when the transactions that were
    open before it have ended, whatever they have to do with.
    """

    course: Course
    together: tuple[QualifiedName, ...] = ()
    waits_for_snapshots: bool = False


def choose_proceedings(
    statements: Sequence[ExplainedStatement], done: int = 0
) -> tuple[Proceeding, ...]:
    """Return what is done about each statement of a revision, of which the first `done` are."""
    locked: set[int] = set()
    chosen = []
    for position, one in enumerate(statements):
        if position < done:
            chosen.append(Proceeding(Course.DONE_BEFORE))
            continue
        number = one.statement.transaction
        if _is_build(one, is_shut=number in locked):
            chosen.append(_supervise(one.events))
            continue
        if not list_hindering(one):
            chosen.append(Proceeding(Course.AT_ONCE))
        elif number in locked:
            chosen.append(Proceeding(Course.LOCKED_ALREADY))
        else:
            rest = [one] if number is None else statements[position:]
            ahead = [
                lock.relation
                for later in rest
                if later is one or later.statement.transaction == number
                for lock in list_hindering(later)
            ]
            chosen.append(
                Proceeding(Course.LOOK_THEN_LOCK, tuple(sorted(dict.fromkeys(ahead), key=str)))
            )
            if number is not None:
                locked.add(number)
    return tuple(chosen)


def list_hindering(explained: ExplainedStatement) -> tuple[Lock, ...]:
    """Return the locks of a statement that commands of the application would have to wait for."""
    return tuple(lock for lock in list_locks(explained) if lock.is_preexisting and _hinders(lock))


def list_locks(explained: ExplainedStatement) -> tuple[Lock, ...]:
    """Return the strongest lock of a statement on each relation, in their order.

    Without those on indexes of tables that it locks as strongly: who uses one holds its table.
    """
    strongest: dict[QualifiedName, Lock] = {}
    for lock in explained.facts.locks:
        met = strongest.get(lock.relation)
        if met is None or met.mode < lock.mode:
            strongest[lock.relation] = lock
    indexes = explained.events[0].before.indexes if explained.events else {}
    return tuple(
        lock
        for lock in strongest.values()
        if (index := indexes.get(lock.relation)) is None
        or (table := strongest.get(index.table)) is None
        or table.mode < lock.mode
    )


def _is_build(explained: ExplainedStatement, *, is_shut: bool) -> bool:
    """Return whether the statement is watched; in a transaction only VALIDATE can be.

    `is_shut`: its transaction has locks that the application waits for, so that it must not wait.
    """
    actions = [event.action for event in explained.events]
    if not actions:
        return False
    if all(isinstance(action, ValidateConstraint) for action in actions):
        return not is_shut
    return explained.statement.transaction is None and all(map(_is_concurrent, actions))


def _is_concurrent(action: Action) -> bool:
    match action:
        case (
            CreateIndex(is_concurrent=True)
            | DropIndex(is_concurrent=True)
            | Reindex(is_concurrent=True)
            | DetachPartition(is_concurrent=True)
        ):
            return True
    return False


def _hinders(lock: Lock) -> bool:
    return bool(blocked_commands(lock.mode))


def _supervise(builds: Sequence[Event]) -> Proceeding:
    is_divided = any(
        isinstance(event.action, CreateIndex)
        and (table := event.before.table(event.action.table)) is not None
        and table.kind is RelationKind.PARTITIONED_TABLE
        for event in builds
    )
    waits = any(not isinstance(event.action, ValidateConstraint) for event in builds)
    course = Course.BY_PARTITION if is_divided else Course.SUPERVISED
    return Proceeding(course, waits_for_snapshots=waits)
