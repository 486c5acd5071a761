"""How much the relations of a server hold, how fast it reads them, and how far its replicas are."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from safemigrate.catalog.reading import Ask
from safemigrate.model import QualifiedName
from safemigrate.sql import quote_identifier, quote_literal

__all__ = [
    "Disk",
    "RelationFigures",
    "Replica",
    "compose_sample",
    "read_disk",
    "read_figures",
    "read_replicas",
    "read_sample",
]

# A page of a table, unless the server was built otherwise, which its figures then say.
_PAGES_OF_A_WINDOW = 64
_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class RelationFigures:
    """How much a relation holds; a partitioned table holds nothing itself.

    `size_bytes`: with its indexes and what is stored out of line. `heap_bytes`: its rows alone.
    `rows`: live ones, by the server's estimate; None where it has none. `index_count`: how many
    indexes it has. `page_bytes`: the size of a page. `is_estimated`: it was locked, so that the
    sizes are of its last VACUUM or ANALYZE. `has_rows`: it keeps rows that can be read.
    `tablespace`: the folder of that, "" where it is in the server's own.
    """

    relation: QualifiedName
    size_bytes: int
    heap_bytes: int
    rows: int | None = None
    index_count: int = 0
    page_bytes: int = 8192
    is_estimated: bool = False
    has_rows: bool = True
    tablespace: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """A standby that is fed by the server.

    `lag_seconds`, `lag_bytes`: how far it is behind with the replay; None where that cannot be
    told. `is_visible`: the role may see it at all.
    """

    name: str
    lag_seconds: float | None
    lag_bytes: int | None
    is_visible: bool = True


@dataclass(frozen=True, slots=True)
class Disk:
    """Where the server keeps its data.

    `data_directory`: None where the role may not know. `is_local`: it is reached without a network,
    so that this folder may be one of this machine. `started`: when the server was started, in
    seconds since 1970, which its postmaster.pid says too.
    """

    data_directory: str | None
    is_local: bool
    started: int


# Both functions of size take ACCESS SHARE, and would wait behind whoever has ACCESS EXCLUSIVE.
# https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-DBSIZE
_FIGURES = """
SELECT wanted.schema, wanted.name,
    CASE WHEN is_locked THEN pages.total * page.bytes ELSE pg_total_relation_size(c.oid) END,
    CASE WHEN is_locked THEN c.relpages * page.bytes ELSE pg_relation_size(c.oid) END,
    CASE WHEN c.relkind = 'i' THEN NULL
         ELSE coalesce(nullif(pg_stat_get_live_tuples(c.oid), 0), nullif(c.reltuples, -1)::bigint)
    END,
    (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = c.oid),
    page.bytes, is_locked, c.relkind IN ('r', 'm'), pg_tablespace_location(c.reltablespace)
FROM (VALUES %s) AS wanted (schema, name)
JOIN pg_namespace AS n ON n.nspname = wanted.schema
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
CROSS JOIN (SELECT current_setting('block_size')::bigint) AS page (bytes)
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM pg_locks AS l
        WHERE l.locktype = 'relation' AND l.relation = c.oid AND l.mode = 'AccessExclusiveLock'
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
) AS lock (is_locked)
CROSS JOIN LATERAL (
    SELECT sum(part.relpages) FROM pg_class AS part
    WHERE part.oid = c.oid OR part.oid = c.reltoastrelid
        OR part.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = c.oid)
) AS pages (total)
"""

# https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW
# Who may not see another session's gets its pid and NULL; a standby that has replayed all of it and
# has nothing to say has no lag.
_REPLICAS = """
SELECT coalesce(nullif(application_name, ''), client_addr::text, pid::text),
    extract(epoch FROM replay_lag)::float8,
    CASE WHEN NOT pg_is_in_recovery()
        THEN pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint END,
    state IS NOT NULL
FROM pg_stat_replication
WHERE state IS NULL OR state IN ('streaming', 'catchup')
ORDER BY 1
"""

_DISK = """
SELECT (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
    coalesce(inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1', true),
    extract(epoch FROM pg_postmaster_start_time())::bigint
"""


def read_figures(
    ask: Ask, relations: Iterable[QualifiedName]
) -> dict[QualifiedName, RelationFigures]:
    """Return what the server says of those of the relations that it has, by one query.

    The names have their schemas; others are left out.
    """
    names = sorted({name for name in relations if name.schema is not None})
    if not names:
        return {}
    wanted = ", ".join(
        f"({quote_literal(name.schema or '')}, {quote_literal(name.name)})" for name in names
    )
    rows = ask(_FIGURES % wanted)
    figures = (
        RelationFigures(
            relation=QualifiedName(str(schema), str(name)),
            size_bytes=_number(size),
            heap_bytes=_number(heap),
            rows=None if count is None else max(_number(count), 0),
            index_count=_number(indexes),
            page_bytes=_number(page),
            is_estimated=bool(is_locked),
            has_rows=bool(has_rows),
            tablespace=str(tablespace or ""),
        )
        for schema, name, size, heap, count, indexes, page, is_locked, has_rows, tablespace in rows
        # one that was dropped meanwhile has no size
        if size is not None and heap is not None
    )
    return {one.relation: one for one in figures}


def compose_sample(figures: RelationFigures) -> str:
    """Return the statement that reads a few pages of the relation, and says how long that took.

    Three runs of 64 pages, spread over it: as a scan reads, and not only what was read last. It
    needs SELECT on the relation.
    """
    pages = max(1, figures.heap_bytes // figures.page_bytes)
    starts = (
        range(1)
        if pages <= _PAGES_OF_A_WINDOW * _WINDOWS
        else [pages * part // (_WINDOWS + 1) for part in range(1, _WINDOWS + 1)]
    )
    length = pages if len(starts) == 1 else _PAGES_OF_A_WINDOW
    schema, name = figures.relation
    table = f"{quote_identifier(schema or '')}.{quote_identifier(name)}"
    # a range of ctid is read as a part of a scan is, since 14
    windows = " UNION ALL ".join(
        f"SELECT count(*) FROM ONLY {table} WHERE ctid >= '({start},0)'::tid"  # noqa: S608 - quoted
        f" AND ctid < '({start + length},0)'::tid"
        for start in starts
    )
    return f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, BUFFERS OFF) {windows}"


def read_sample(figures: RelationFigures, rows: Sequence[Sequence[object]]) -> float | None:
    """Return the seconds to read all of the relation's rows, from the answer to `compose_sample`.

    None where the answer does not say.
    """
    text = "\n".join(str(row[0]) for row in rows)
    found = re.search(r"Execution Time: ([\d.]+) ms", text)
    if found is None:
        return None
    pages = max(1, figures.heap_bytes // figures.page_bytes)
    read = min(pages, _PAGES_OF_A_WINDOW * _WINDOWS)
    return float(found[1]) / 1000 * pages / read


def read_replicas(ask: Ask) -> tuple[Replica, ...]:
    """Return the standbys that stream from the server, whatever the role may see of them."""
    return tuple(
        Replica(
            name=str(name),
            # none while there is nothing to replay
            lag_seconds=0.0 if behind == 0 and lag is None else _seconds(lag),
            lag_bytes=None if behind is None else max(_number(behind), 0),
            is_visible=bool(is_visible),
        )
        for name, lag, behind, is_visible in ask(_REPLICAS)
    )


def read_disk(ask: Ask) -> Disk:
    """Return where the server keeps its data, as far as the role may know."""
    ((directory, is_local, started),) = ask(_DISK)
    return Disk(None if directory is None else str(directory), bool(is_local), _number(started))


def _number(value: object) -> int:
    return int(str(value))


def _seconds(value: object) -> float | None:
    return None if value is None else float(str(value))
