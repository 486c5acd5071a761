"""A build is prepared, watched while it runs, and cleared up behind when it fails."""

from contextlib import suppress
from functools import partial

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from safemigrate.execute.builds.build import Build, supervised
from safemigrate.execute.builds.carrying import Job, carry_through, carry_unseen
from safemigrate.execute.builds.indexes import IndexBuild, IndexDrop, IndexRebuild
from safemigrate.execute.builds.looking import find_relation
from safemigrate.execute.builds.parentage import find_pending
from safemigrate.execute.builds.partitions import PartitionedBuild
from safemigrate.execute.builds.probing import FINALIZE
from safemigrate.execute.builds.short_steps import ShortSteps
from safemigrate.execute.builds.tables import Detaching, Finalizing, Validation
from safemigrate.execute.builds.watching import send_watched
from safemigrate.execute.conducting import Sent
from safemigrate.execute.control import translating_loss
from safemigrate.execute.identity import identify
from safemigrate.execute.locks import LockTaker
from safemigrate.execute.makings import Makings
from safemigrate.execute.session import is_concurrent
from safemigrate.execute.surroundings import Surroundings
from safemigrate.execute.watcher import LockWatcher
from safemigrate.model import (
    Action,
    Catalog,
    CreateIndex,
    DetachPartition,
    DropIndex,
    QualifiedName,
    Reindex,
    UnmodelledAction,
    ValidateConstraint,
)

__all__ = ["BuildSupervisor"]

# Modes that the application waits for. What the session has made itself nobody else can want, and
# nobody but a runner uses the version table and our own.
_HOLDS_FELT_LOCKS = text(
    """
    SELECT EXISTS (
        SELECT FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE l.pid = CAST(:pid AS integer) AND l.locktype = 'relation' AND l.granted
            AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                'AccessExclusiveLock')
            AND n.nspname <> 'safemigrate'
            AND (n.nspname, c.relname) <> (CAST(:schema AS text), CAST(:name AS text)))
    """
)


class BuildSupervisor:
    """Takes statements to the server that must not be ended half-way.

    `locks`: takes the short locks of partitioned tables' indexes. `makings`: the tables for which
    nothing needs to be looked at before.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        watcher: LockWatcher,
        locks: LockTaker,
        makings: Makings,
    ) -> None:
        self._surroundings = surroundings
        self._watcher = watcher
        self._makings = makings
        self._locks = locks

    def takes(self, sent: Sent) -> bool:
        """Return whether the statement is one for the supervisor.

        What is concurrent is so outside of a transaction only; in one the server refuses it.
        VALIDATE is one anywhere, but where the application waits for what the transaction holds
        already, or may wait for rows it has changed, so that it must not wait itself.
        """
        if sent.foreseen is None:
            return sent.is_autocommit and is_concurrent(sent.sql)
        actions = _list_actions(sent)
        if actions and all(isinstance(one, ValidateConstraint) for one in actions):
            return sent.is_autocommit or not self._is_waited_for(sent)
        if not sent.is_autocommit or len(sent.foreseen.statements) != 1:
            return False
        if not actions:
            return is_concurrent(sent.sql)
        return all(map(_is_concurrent, actions))

    def carry(self, sent: Sent) -> None:
        """Take the statement to the server."""
        with supervised(self._surroundings, self._watcher, sent) as build:
            actions = _list_actions(sent)
            if self._is_unseen(sent, actions):
                carry_unseen(build, partial(_find_job, build, actions))
                return
            if len(actions) == 1 and isinstance(actions[0], CreateIndex):
                self._create_index(build, actions[0])
                return
            job = _find_job(build, actions)
            if job is None:
                # what it names is not there: the server says so
                send_watched(build, sent.send)
            else:
                carry_through(build, job)

    def _is_unseen(self, sent: Sent, actions: tuple[Action, ...]) -> bool:
        """Return whether it works on tables alone that the run has made, and nobody else uses."""
        before = _find_before(sent)
        return bool(actions) and all(
            isinstance(one, CreateIndex | ValidateConstraint)
            and not (isinstance(one, CreateIndex) and one.takes_existing)
            and self._makings.has(before.resolve(one.table))
            for one in actions
        )

    def _create_index(self, build: Build, action: CreateIndex) -> None:
        table = build.look(lambda connection: find_relation(connection, action.table))
        if table is None:
            send_watched(build, build.sent.send)
        elif table.is_partitioned:
            before = _find_before(build.sent)
            steps = ShortSteps(build, self._locks, before)
            PartitionedBuild(build, action, table, steps).carry(before)
        else:
            carry_through(build, IndexBuild(build, action, table))

    def _is_waited_for(self, sent: Sent) -> bool:
        return self._locks.has_row_locks(sent) or self._holds_felt_locks(sent)

    def _holds_felt_locks(self, sent: Sent) -> bool:
        if self._locks.is_untouched(sent):
            return False
        site = self._surroundings.site
        parameters = {
            "pid": identify(sent.connection).pid,
            "schema": site.version_table.schema,
            "name": site.version_table.name,
        }
        with suppress(SQLAlchemyError), translating_loss():
            return site.control.run(
                lambda one: bool(one.execute(_HOLDS_FELT_LOCKS, parameters).scalar_one())
            )
        return True


def _find_before(sent: Sent) -> Catalog:
    """Return the schema that the statement meets."""
    statements = sent.foreseen.statements if sent.foreseen is not None else ()
    return next((event.before for one in statements for event in one.events), Catalog())


def _list_actions(sent: Sent) -> tuple[Action, ...]:
    if sent.foreseen is None:
        return ()
    return tuple(event.action for one in sent.foreseen.statements for event in one.events)


def _is_concurrent(action: Action) -> bool:
    match action:
        case CreateIndex() | DropIndex() | Reindex() | DetachPartition():
            return action.is_concurrent
        case UnmodelledAction(kind=kind):
            return kind == FINALIZE
        case _:
            return False


def _find_job(build: Build, actions: tuple[Action, ...]) -> Job | None:
    """Return what is to be done, None where something it names is not there."""
    match actions:
        case (CreateIndex() as create,):
            return build.look(lambda connection: _find_creation(connection, build, create))
        case (DropIndex() as drop,):
            return build.look(lambda connection: _find_drop(connection, build, drop))
        case (Reindex() as rebuild,):
            return IndexRebuild(build, rebuild)
        case (DetachPartition() as detaching,):
            return build.look(lambda connection: _find_detaching(connection, build, detaching))
        case (UnmodelledAction(tables=(parent, *_)),):
            return build.look(lambda connection: _find_finalizing(connection, build, parent))
        case (ValidateConstraint(), *_):
            names = {one.table for one in actions if isinstance(one, ValidateConstraint)}
            return build.look(lambda connection: _find_validation(connection, build, names))
        case _:
            return None


_TABLE_OF = text(
    "SELECT indrelid::bigint FROM pg_index WHERE indexrelid = CAST(:index AS bigint)::oid"
)


def _find_creation(connection: Connection, build: Build, action: CreateIndex) -> Job | None:
    table = find_relation(connection, action.table)
    return None if table is None else IndexBuild(build, action, table)


def _find_drop(connection: Connection, build: Build, action: DropIndex) -> Job | None:
    index = find_relation(connection, action.index)
    if index is None:
        return None
    table = connection.execute(_TABLE_OF, {"index": index.oid}).scalar_one_or_none()
    return None if table is None else IndexDrop(build, index, table)


def _find_detaching(connection: Connection, build: Build, action: DetachPartition) -> Job | None:
    parent = find_relation(connection, action.table)
    partition = find_relation(connection, action.partition)
    if parent is None or partition is None:
        return None
    return Detaching(build, parent, partition)


def _find_finalizing(connection: Connection, build: Build, name: QualifiedName) -> Job | None:
    parent = find_relation(connection, name)
    partition = None if parent is None else find_pending(connection, parent.oid)
    if parent is None or partition is None:
        return None
    return Finalizing(build, parent, partition)


def _find_validation(connection: Connection, build: Build, names: set[QualifiedName]) -> Job | None:
    found = [find_relation(connection, name) for name in sorted(names, key=str)]
    return Validation(build, tuple(one for one in found if one is not None))
