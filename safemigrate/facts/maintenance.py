"""Facts about REINDEX, VACUUM, CLUSTER and their like. Manual: the page of each command."""

from safemigrate.facts.situation import Situation, join_facts
from safemigrate.model import (
    Analyze,
    Catalog,
    Certainty,
    Cluster,
    Facts,
    LockMode,
    QualifiedName,
    RefreshView,
    Reindex,
    ReindexKind,
    RelationKind,
    ServerVersion,
    Vacuum,
)

__all__ = ["analyze", "cluster", "refresh_view", "reindex", "vacuum"]


# Manual: "Release 18", VACUUM and ANALYZE process the children that inherit.
_ANALYZES_CHILDREN_SINCE = ServerVersion(18)


def reindex(action: Reindex, situation: Situation) -> Facts:
    """Return the facts of REINDEX: writers wait, and the planner of every reader for the index."""
    tables = _reindexed_tables(action, situation)
    catalog, name = situation.catalog, action.relation
    indexes = [index.name for table in tables for index in catalog.indexes_of(table)]
    certainty = Certainty.KNOWN
    if action.kind is ReindexKind.INDEX and name is not None:
        indexes = [name]
    if name is None or len(tables) != 1:
        # Each table, or each partition, in a transaction of its own, and not the indexes alone.
        certainty = Certainty.UNKNOWN
    on_table, on_index = LockMode.SHARE, LockMode.ACCESS_EXCLUSIVE
    if action.is_concurrent:
        on_table = on_index = LockMode.SHARE_UPDATE_EXCLUSIVE
    return Facts(
        locks=(*situation.locks(tables, on_table), *situation.locks(indexes, on_index)),
        scans=situation.scanned(*(table for table in tables if _has_index(table, catalog))),
        errors=_reindex_errors(action, situation),
        certainty=certainty,
    )


def _reindexed_tables(action: Reindex, situation: Situation) -> tuple[QualifiedName, ...]:
    catalog, name = situation.catalog, action.relation
    if action.kind is ReindexKind.SYSTEM:
        return ()
    if name is None:
        return tuple(
            table.name
            for table in catalog.tables.values()
            if action.schema in {None, table.name.schema}
        )
    if action.kind is not ReindexKind.INDEX:
        return tuple(situation.family(name))
    index = catalog.index(name)
    return () if index is None else tuple(situation.family(index.table))


def _has_index(name: QualifiedName, catalog: Catalog) -> bool:
    """Return whether the table may have an index; a partition has those of its parent."""
    table = catalog.table(name)
    if table is None or any(catalog.indexes_of(name)):
        return True
    return table.partition_of is not None and _has_index(table.partition_of, catalog)


def _reindex_errors(action: Reindex, situation: Situation) -> tuple[str, ...]:
    if not situation.is_in_transaction:
        return ()
    if action.is_concurrent:
        return _refuse_transaction("REINDEX CONCURRENTLY", situation)
    if action.relation is None:
        return _refuse_transaction(f"REINDEX {action.kind.value}", situation)
    name = action.relation
    if action.kind is ReindexKind.INDEX:
        index = situation.catalog.index(name)
        table = None if index is None else situation.catalog.table(index.table)
    else:
        table = situation.catalog.table(name)
    if table is not None and table.kind is RelationKind.PARTITIONED_TABLE:
        command = f"REINDEX {action.kind.value}"
        return (f"{command} cannot run inside a transaction block: it is partitioned",)
    return ()


def _refuse_transaction(command: str, situation: Situation) -> tuple[str, ...]:
    if not situation.is_in_transaction:
        return ()
    return (f"{command} cannot run inside a transaction block",)


def vacuum(action: Vacuum, situation: Situation) -> Facts:
    """Return the facts of VACUUM: FULL copies the table while everybody waits."""
    errors = _refuse_transaction("VACUUM", situation)
    if action.table is None:
        return Facts(errors=errors, certainty=Certainty.UNKNOWN)
    if action.is_full:
        return join_facts([situation.rewrite(action.table), Facts(errors=errors)])
    family = situation.family(action.table)
    return Facts(locks=situation.locks(family, LockMode.SHARE_UPDATE_EXCLUSIVE), errors=errors)


def analyze(action: Analyze, situation: Situation) -> Facts:
    """Return the facts of ANALYZE, which reads a sample."""
    if action.table is None:
        return Facts(certainty=Certainty.UNKNOWN)
    _, *others = situation.family(action.table)
    parts = tuple(situation.parts(action.table))
    # Those that inherit are read for the parent's sample (since 18 also for their own).
    children = situation.locks(others, LockMode.ACCESS_SHARE)
    if situation.version >= _ANALYZES_CHILDREN_SINCE:
        parts = tuple(situation.family(action.table))
    locks = situation.locks(parts, LockMode.SHARE_UPDATE_EXCLUSIVE)
    return join_facts([Facts(locks=locks), Facts(locks=children)])


def cluster(action: Cluster, situation: Situation) -> Facts:
    """Return the facts of CLUSTER: the table is copied in the order of an index."""
    if action.table is None:
        errors = _refuse_transaction("CLUSTER", situation)
        return Facts(errors=errors, certainty=Certainty.UNKNOWN)
    if situation.has_storage(action.table):
        return situation.alone().rewrite(action.table)
    return situation.rewrite(action.table)


def refresh_view(action: RefreshView, situation: Situation) -> Facts:
    """Return the facts of REFRESH MATERIALIZED VIEW: its readers wait, unless it is concurrent."""
    view = situation.catalog.table(action.view)
    reads = () if view is None or action.has_no_data else view.reads
    parts = [situation.reading(reads)]
    if action.is_concurrent:
        parts.append(Facts(locks=(situation.lock(action.view, LockMode.EXCLUSIVE),)))
        return join_facts(parts)
    name = situation.catalog.resolve(action.view)
    mode = LockMode.ACCESS_EXCLUSIVE
    locks = (situation.lock(name, mode), *situation.index_locks(name, mode))
    rewrites = (name,) if situation.is_preexisting(name) else ()
    return join_facts([*parts, Facts(locks=locks, rewrites=rewrites)])
