"""The tables that a run has made itself, as long as nobody else can know of them."""

from collections.abc import Iterable

from sqlalchemy.engine import Connection

from safemigrate.model import (
    Action,
    AddColumn,
    AddConstraint,
    AlterColumnOption,
    AlterColumnType,
    AlterTableOption,
    ChangeRows,
    CommentOn,
    CreateIndex,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropTable,
    Persistence,
    QualifiedName,
    RenameColumn,
    RenameConstraint,
    SetDefault,
    SetNotNull,
    ValidateConstraint,
)
from safemigrate.plan import Foreseen

__all__ = ["Makings"]

# They leave every table its name, and bring none together with another but by the locks they take.
_LEAVE_NAMES = (
    AddColumn,
    AddConstraint,
    AlterColumnOption,
    AlterColumnType,
    AlterTableOption,
    ChangeRows,
    CommentOn,
    CreateIndex,
    CreateTable,
    DropColumn,
    DropConstraint,
    DropDefault,
    DropIndex,
    DropNotNull,
    DropTable,
    RenameColumn,
    RenameConstraint,
    SetDefault,
    SetNotNull,
    ValidateConstraint,
)


class Makings:
    """Plain tables that this run created, and committed; the release that runs knows none of them.

    A table is one no more when a statement locks it together with another that is none, such as a
    foreign key or a partition does, for then it is used through that. None is one any more after a
    statement that may have given another relation its name, or made a view or a trigger through
    which it is used.
    """

    def __init__(self) -> None:
        self._made: set[QualifiedName] = set()
        self._pending: dict[Connection, set[QualifiedName]] = {}

    def has(self, name: QualifiedName) -> bool:
        """Return whether the run made the table, and nobody else uses it."""
        return name in self._made

    def forget(self) -> None:
        """Be told that something was done of which nothing is known."""
        self._made.clear()
        self._pending.clear()

    def note(self, connection: Connection, foreseen: Foreseen, *, is_autocommit: bool) -> None:
        """Be told of a text that was carried out."""
        events = [event for one in foreseen.statements for event in one.events]
        is_known = all(one.events for one in foreseen.statements)
        if not is_known or any(event.is_in_body or not _leaves(event.action) for event in events):
            self.forget()
            return
        pending = self._pending.setdefault(connection, set())
        for event in events:
            if isinstance(event.action, CreateTable) and _is_plain(event.action):
                pending.add(event.before.resolve_new(event.action.table))
            elif isinstance(event.action, DropTable):
                self._discard([event.before.resolve(event.action.table)])
        for one in foreseen.statements:
            before = one.events[0].before
            locks = (lock.relation for lock in one.facts.locks)
            tables = {name for name in locks if name not in before.indexes}
            if not all(name in self._made or name in pending for name in tables):
                self._discard(tables)
        if is_autocommit:
            self.commit(connection)

    def commit(self, connection: Connection) -> None:
        """Be told that what the connection's transaction did stays."""
        self._made |= self._pending.pop(connection, set())

    def rollback(self, connection: Connection) -> None:
        """Be told that some of what the connection's transaction did is undone."""
        self._pending.pop(connection, None)

    def _discard(self, names: Iterable[QualifiedName]) -> None:
        for name in names:
            self._made.discard(name)
            for pending in self._pending.values():
                pending.discard(name)


def _leaves(action: Action) -> bool:
    return isinstance(action, _LEAVE_NAMES)


def _is_plain(action: CreateTable) -> bool:
    is_alone = action.partition_of is None and not action.inherits and not action.is_partitioned
    is_here = not action.takes_existing and action.persistence is not Persistence.TEMPORARY
    return is_alone and is_here
