"""REINDEX, VACUUM, ANALYZE, CLUSTER, REFRESH MATERIALIZED VIEW, CREATE STATISTICS."""

from collections.abc import Iterable

from safemigrate.model import (
    Action,
    Analyze,
    Cluster,
    CreateStatistics,
    QualifiedName,
    RefreshView,
    Reindex,
    ReindexKind,
    Vacuum,
)
from safemigrate.sql.expressions import name_of_range, name_of_strings, read_strings
from safemigrate.sql.parser import nodes

__all__ = [
    "read_cluster",
    "read_create_statistics",
    "read_refresh",
    "read_reindex",
    "read_vacuum",
]


def read_reindex(node: nodes.Node) -> list[Action]:
    """Return the action of REINDEX."""
    reindex = node.reindex_stmt
    name = nodes.ReindexObjectType.Name(reindex.kind).removeprefix("REINDEX_OBJECT_")
    relation = name_of_range(reindex.relation) if reindex.HasField("relation") else None
    kind = ReindexKind(name)
    schema = reindex.name if kind is ReindexKind.SCHEMA else None
    return [Reindex(kind, relation, _is_on(reindex.params, "concurrently"), schema=schema)]


_OFF = frozenset({"false", "off", "0"})


def _is_on(options: Iterable[nodes.Node], name: str) -> bool:
    """Return whether the option is written, and not as off."""
    for option in options:
        element = option.def_elem
        if element.defname == name:
            value = element.arg.string.sval or str(element.arg.integer.ival)
            return not element.HasField("arg") or value.lower() not in _OFF
    return False


def read_vacuum(node: nodes.Node) -> list[Action]:
    """Return the actions of VACUUM or ANALYZE, one for each table named."""
    vacuum = node.vacuum_stmt
    tables: list[QualifiedName | None] = [
        name_of_range(item.vacuum_relation.relation) for item in vacuum.rels
    ]
    if not vacuum.is_vacuumcmd:
        return [Analyze(table) for table in tables or [None]]
    is_full = _is_on(vacuum.options, "full")
    return [Vacuum(table, is_full) for table in tables or [None]]


def read_cluster(node: nodes.Node) -> list[Action]:
    """Return the action of CLUSTER."""
    cluster = node.cluster_stmt
    table = name_of_range(cluster.relation) if cluster.HasField("relation") else None
    return [Cluster(table, cluster.indexname or None)]


def read_refresh(node: nodes.Node) -> list[Action]:
    """Return the action of REFRESH MATERIALIZED VIEW."""
    refresh = node.refresh_mat_view_stmt
    return [RefreshView(name_of_range(refresh.relation), refresh.concurrent, refresh.skip_data)]


def read_create_statistics(node: nodes.Node) -> list[Action]:
    """Return the action of CREATE STATISTICS."""
    statistics = node.create_stats_stmt
    parts = read_strings(statistics.defnames)
    name = name_of_strings(parts) if parts else None
    return [CreateStatistics(name, name_of_range(item.range_var)) for item in statistics.relations]
