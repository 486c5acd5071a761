"""Whether a statement that ran outside of a transaction was done, as the catalog shows it."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum

from sqlalchemy import text
from sqlalchemy.engine import Connection

from safemigrate.execute.builds.definitions import FoundIndex, foresee_definition, list_indexes
from safemigrate.execute.builds.looking import Relation, find_relation, looking
from safemigrate.model import (
    Action,
    AddColumn,
    AddEnumValue,
    CreateIndex,
    CreateTable,
    DetachPartition,
    DropColumn,
    DropIndex,
    DropTable,
    ExplainedStatement,
    QualifiedName,
    Reindex,
    UnmodelledAction,
    ValidateConstraint,
)
from safemigrate.sql import quote_name

__all__ = ["FINALIZE", "Probe", "is_detach_pending", "probe"]

# How the parser's reader names DETACH PARTITION … FINALIZE.
FINALIZE = "ALTER TABLE DetachPartitionFinalize"


class Probe(Enum):
    """What the catalog shows of a statement that was begun, and may have been done.

    `NOT_DONE`: it is to be sent again. `LEFTOVER`: it was ended half-way; sent again, by the
    supervisor, it goes on. `UNKNOWN`: the catalog cannot tell.
    """

    DONE = "done"
    NOT_DONE = "not done"
    LEFTOVER = "leftover"
    UNKNOWN = "unknown"


_PENDING = text(
    """
    SELECT inhdetachpending FROM pg_inherits
    WHERE inhparent = CAST(:parent AS bigint)::oid AND inhrelid = CAST(:child AS bigint)::oid
    """
)
_ANY_PENDING = text(
    """
    SELECT EXISTS (SELECT FROM pg_inherits
        WHERE inhparent = CAST(:parent AS bigint)::oid AND inhdetachpending)
    """
)
_VALIDATED = text(
    """
    SELECT convalidated FROM pg_constraint
    WHERE conrelid = CAST(:table AS bigint)::oid AND conname = CAST(:name AS text)
    """
)
_LABEL = text(
    """
    SELECT EXISTS (SELECT FROM pg_enum
        WHERE enumtypid = t.oid AND enumlabel = CAST(:label AS text))
    FROM pg_type AS t WHERE t.oid = to_regtype(CAST(:type AS text))
    """
)
_COLUMN = text(
    """
    SELECT EXISTS (SELECT FROM pg_attribute
        WHERE attrelid = CAST(:table AS bigint)::oid AND attname = CAST(:name AS text)
            AND attnum > 0 AND NOT attisdropped)
    """
)


def probe(connection: Connection, statement: ExplainedStatement, since: str = "") -> Probe:
    """Return whether the statement is done, as the catalog of the server shows it.

    `connection`: commits every statement by itself, and is in no transaction, where it is again
    afterwards; nothing is changed. Names without a schema are found by the search_path that the
    statement met, where that is known, else by the connection's own. A statement is done as a whole
    or not at all, so that one action of it tells of all. `since`: the id of the transaction that
    wrote down that it begins, "" where that is not known. Raises what SQLAlchemy does, when the
    server cannot be asked.
    """
    if not statement.events:
        return Probe.UNKNOWN
    before = statement.events[0].before
    with looking(connection, before.settings.get("search_path")):
        for event in statement.events:
            found = _probe_action(connection, event.action, since)
            if found is not Probe.UNKNOWN:
                return found
    return Probe.UNKNOWN


def _probe_action(connection: Connection, action: Action, since: str) -> Probe:
    match action:
        case CreateIndex():
            return _probe_index(connection, action, since)
        case DropIndex():
            return _probe_drop(connection, action)
        case DetachPartition():
            return _probe_detach(connection, action)
        case UnmodelledAction(kind=kind, tables=(parent, *_)) if kind == FINALIZE:
            return _about(connection, parent, lambda table: _is_none_pending(connection, table))
        case ValidateConstraint(table=table, name=name):
            return _about(connection, table, lambda one: _is_validated(connection, one, name))
        case AddEnumValue():
            parameters = {"type": quote_name(action.type), "label": action.label}
            return _decide(connection.execute(_LABEL, parameters).scalar_one_or_none())
        case Reindex():
            # to do it again does no harm
            return Probe.NOT_DONE
        case _:
            return _probe_plain(connection, action)


def _probe_plain(connection: Connection, action: Action) -> Probe:
    """Return the same for what is done at once, or not at all."""
    match action:
        case AddColumn(table=table, column=column):
            name = column.name
            return _about(connection, table, lambda one: _has_column(connection, one, name))
        case DropColumn(table=table, column=name):
            return _about(connection, table, lambda one: not _has_column(connection, one, name))
        case CreateTable(table=table):
            return _decide(find_relation(connection, table) is not None)
        case DropTable(table=table):
            return _decide(find_relation(connection, table) is None)
        case _:
            return Probe.UNKNOWN


def _decide(is_done: bool | None) -> Probe:  # noqa: FBT001 - the answer of the server
    if is_done is None:
        return Probe.UNKNOWN
    return Probe.DONE if is_done else Probe.NOT_DONE


def _about(
    connection: Connection, name: QualifiedName, ask: Callable[[Relation], bool | None]
) -> Probe:
    """Return what is said of the table, UNKNOWN when it is not there."""
    table = find_relation(connection, name)
    return Probe.UNKNOWN if table is None else _decide(ask(table))


# The row is written when the index is begun, and again when it becomes valid. How old a
# transaction is can be compared where the ids cannot, for they begin anew.
# https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
_CHANGED = text(
    """
    SELECT indexrelid::bigint FROM pg_index
    WHERE indrelid = CAST(:table AS bigint)::oid
        AND coalesce(age(xmin) <= age(CAST(nullif(CAST(:since AS text), '') AS xid)), true)
    """
)


def _probe_index(connection: Connection, action: CreateIndex, since: str) -> Probe:
    table = find_relation(connection, action.table)
    if table is None:
        return Probe.UNKNOWN
    indexes = list_indexes(connection, table.oid)
    if action.name is None:
        # the name that the server would choose now is another one, if the index is there
        parameters = {"table": table.oid, "since": since}
        changed = frozenset(connection.scalars(_CHANGED, parameters))
        wanted = foresee_definition(connection, table, action)
        return _probe_twins(indexes, changed, wanted)
    found = next((one for one in indexes if one.relation.name == action.name), None)
    if found is None:
        return Probe.NOT_DONE
    if not found.is_valid:
        return Probe.LEFTOVER
    return _decide(found.definition == foresee_definition(connection, table, action))


def _probe_twins(
    indexes: Sequence[FoundIndex], changed: AbstractSet[int], wanted: str | None
) -> Probe:
    """Return whether one of the indexes that came since is what is wanted, by its definition."""
    if wanted is None:
        return Probe.UNKNOWN
    twins = [
        one
        for one in indexes
        if one.relation.oid in changed and one.definition == wanted and not one.is_of_constraint
    ]
    if any(one.is_valid for one in twins):
        return Probe.DONE
    return Probe.LEFTOVER if twins else Probe.NOT_DONE


_IS_VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = CAST(:index AS bigint)::oid")


def _probe_drop(connection: Connection, action: DropIndex) -> Probe:
    index = find_relation(connection, action.index)
    if index is None:
        return Probe.DONE
    is_valid = connection.execute(_IS_VALID, {"index": index.oid}).scalar_one_or_none()
    return Probe.NOT_DONE if is_valid or is_valid is None else Probe.LEFTOVER


def _probe_detach(connection: Connection, action: DetachPartition) -> Probe:
    parent = find_relation(connection, action.table)
    child = find_relation(connection, action.partition)
    if parent is None or child is None:
        return Probe.UNKNOWN
    is_pending = is_detach_pending(connection, parent, child)
    if is_pending is None:
        return Probe.DONE
    return Probe.LEFTOVER if is_pending else Probe.NOT_DONE


def is_detach_pending(connection: Connection, parent: Relation, child: Relation) -> bool | None:
    """Return whether the partition is detached by half; None when it is none of the parent's."""
    parameters = {"parent": parent.oid, "child": child.oid}
    is_pending: bool | None = connection.execute(_PENDING, parameters).scalar_one_or_none()
    return is_pending


def _is_none_pending(connection: Connection, parent: Relation) -> bool:
    return not connection.execute(_ANY_PENDING, {"parent": parent.oid}).scalar_one()


def _is_validated(connection: Connection, table: Relation, name: str) -> bool | None:
    parameters = {"table": table.oid, "name": name}
    is_valid: bool | None = connection.execute(_VALIDATED, parameters).scalar_one_or_none()
    return is_valid


def _has_column(connection: Connection, table: Relation, name: str) -> bool:
    parameters = {"table": table.oid, "name": name}
    return bool(connection.execute(_COLUMN, parameters).scalar_one())
