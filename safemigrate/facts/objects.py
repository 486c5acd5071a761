"""Facts about domains, types, functions, privileges and the cluster: whom they reach."""

from collections.abc import Iterator

from safemigrate.facts.situation import Situation
from safemigrate.model import (
    AlterDomain,
    AlterSequence,
    Catalog,
    Certainty,
    ChangeCluster,
    ChangePrivileges,
    CreateSequence,
    DomainChange,
    DropObject,
    Facts,
    Lock,
    LockMode,
    QualifiedName,
    RenameObject,
    ServerVersion,
)

__all__ = [
    "alter_domain",
    "alter_sequence",
    "change_cluster",
    "change_privileges",
    "create_sequence",
    "drop_object",
    "rename_object",
    "tables_of_type",
]

# From 18 on, GRANT and REVOKE look the table up under a lock (measured on 14 to 18).
_GRANT_LOCKS_SINCE = ServerVersion(18)

_SCANNING = frozenset({DomainChange.ADD_CHECK, DomainChange.SET_NOT_NULL, DomainChange.VALIDATE})

# Manual: the page of each command, Notes.
_OUTSIDE_TRANSACTION = frozenset(
    {
        "ALTER SYSTEM",
        "CREATE DATABASE",
        "CREATE TABLESPACE",
        "DROP DATABASE",
        "DROP TABLESPACE",
    }
)


def tables_of_type(catalog: Catalog, type_: QualifiedName) -> Iterator[QualifiedName]:
    """Yield the tables that have a column of the type, or of a domain over it."""
    wanted = catalog.resolve(type_)
    for table in catalog.tables.values():
        for column in table.columns.values():
            if column.type is not None and wanted in catalog.types_under(column.type):
                yield table.name
                break


def alter_domain(action: AlterDomain, situation: Situation) -> Facts:
    """Return the facts of ALTER DOMAIN: a new restriction is tested on every row of its columns."""
    if action.change not in _SCANNING or action.is_not_valid:
        return Facts()
    users = tables_of_type(situation.catalog, action.domain)
    tables = tuple(table for table in users if situation.has_storage(table))
    certainty = Certainty.KNOWN if situation.catalog.is_complete else Certainty.UNKNOWN
    return Facts(
        locks=situation.locks(tables, LockMode.SHARE),
        scans=situation.scanned(*tables),
        certainty=certainty,
    )


def drop_object(action: DropObject, situation: Situation) -> Facts:
    """Return the facts of DROP of what carries no rows: CASCADE reaches the tables that use it."""
    catalog = situation.catalog
    if action.kind == "STATISTICS":
        table = catalog.statistics.get(catalog.resolve(action.name))
        if table is None:
            return Facts(certainty=Certainty.UNKNOWN)
        return Facts(locks=(situation.lock(table, LockMode.SHARE_UPDATE_EXCLUSIVE),))
    reached: tuple[QualifiedName, ...] = (action.name,) if action.kind == "SEQUENCE" else ()
    if action.is_cascade and action.kind in {"TYPE", "DOMAIN"}:
        reached = tuple(tables_of_type(catalog, action.name))
    # What else depends on it, the history may not show.
    certainty = Certainty.UNKNOWN if action.is_cascade else Certainty.KNOWN
    return Facts(locks=situation.locks(reached, LockMode.ACCESS_EXCLUSIVE), certainty=certainty)


def create_sequence(action: CreateSequence, situation: Situation) -> Facts:
    """Return the facts of CREATE SEQUENCE: OWNED BY looks its table up."""
    return Facts(locks=_owner_locks(action, situation))


def alter_sequence(action: AlterSequence, situation: Situation) -> Facts:
    """Return the facts of ALTER SEQUENCE, for which nextval() waits."""
    own = situation.lock(action.sequence, LockMode.SHARE_ROW_EXCLUSIVE)
    return Facts(locks=(own, *_owner_locks(action, situation)))


def _owner_locks(action: CreateSequence | AlterSequence, situation: Situation) -> tuple[Lock, ...]:
    owner = () if action.owner is None else (action.owner,)
    return situation.locks(owner, LockMode.ACCESS_SHARE)


def rename_object(action: RenameObject, situation: Situation) -> Facts:
    """Return the facts of RENAME TO: of what carries no rows, a sequence alone is locked."""
    if action.kind != "SEQUENCE":
        return Facts()
    return Facts(locks=(situation.lock(action.name, LockMode.ACCESS_EXCLUSIVE),))


def change_privileges(action: ChangePrivileges, situation: Situation) -> Facts:
    """Return the facts of GRANT and REVOKE."""
    if situation.version < _GRANT_LOCKS_SINCE:
        return Facts()
    return Facts(locks=situation.locks(action.tables, LockMode.ACCESS_SHARE))


def change_cluster(action: ChangeCluster, situation: Situation) -> Facts:
    """Return the facts of what reaches beyond the database: no table waits."""
    if situation.is_in_transaction and action.kind in _OUTSIDE_TRANSACTION:
        return Facts(errors=(f"{action.kind} cannot run inside a transaction block",))
    return Facts()
