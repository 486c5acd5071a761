"""A look at a session's transaction: the locks it holds and the scans it has made so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from safemigrate.model import LockMode, QualifiedName
from safemigrate.trace.relations import Ask, Relation

__all__ = ["Look", "look", "read_scan_counts"]

# pg_class is joined on the outside: the lock of a relation that the transaction dropped has no row
# there. A scan takes a lock, so the relations locked are all that can have been scanned.
# SIReadLock belongs to SERIALIZABLE and blocks nobody ("Explicit Locking" does not list it).
# Sources: "System Views", pg_locks; "Monitoring", table 28.35, pg_stat_get_xact_numscans.
_LOOK = """
SELECT l.virtualtransaction, l.relation::bigint, l.mode, n.nspname, c.relname, c.relkind::text,
       coalesce(i.indrelid, 0)::bigint, pg_catalog.pg_relation_filenode(l.relation)::bigint,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_stat_get_xact_numscans(l.relation) END
  FROM pg_catalog.pg_locks l
  LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = l.relation
 WHERE l.pid = pg_catalog.pg_backend_pid() AND l.mode <> 'SIReadLock'
   AND (l.locktype = 'virtualxid'
        OR (l.locktype = 'relation' AND l.relation >= 16384 AND l.database = (
              SELECT d.oid FROM pg_catalog.pg_database d
               WHERE d.datname = pg_catalog.current_database())))
"""

# The counters are kept from one transaction to the next until they are flushed, up to a second
# later ("Monitoring", 28.2.2), so a transaction does not begin with zeros.
_SCAN_COUNTS = """
SELECT relid::bigint, seq_scan FROM pg_catalog.pg_stat_xact_user_tables WHERE seq_scan > 0
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What a transaction holds and has done.

    `transaction`: what the server calls it; another one has another name.
    `relations`: those of the locked relations that are still there, as they are now.
    `scans`: the counters of the locked tables, counted from some earlier point.
    """

    transaction: str = ""
    modes: Mapping[int, frozenset[LockMode]] = field(default_factory=dict)
    relations: Mapping[int, Relation] = field(default_factory=dict)
    scans: Mapping[int, int] = field(default_factory=dict)


def look(ask: Ask) -> Look:
    """Return what the transaction of the asked session holds; it must be in one."""
    transaction = ""
    modes: dict[int, set[LockMode]] = {}
    relations: dict[int, Relation] = {}
    scans: dict[int, int] = {}
    for name, oid, mode, schema, relation, kind, table, filenode, scan_count in ask(_LOOK):
        transaction = name
        if oid is None:
            continue
        modes.setdefault(oid, set()).add(LockMode.from_pg_locks(mode))
        if relation is not None:
            relations[oid] = Relation(oid, QualifiedName(schema, relation), kind, table, filenode)
        if scan_count is not None:
            scans[oid] = scan_count
    return Look(
        transaction, {oid: frozenset(held) for oid, held in modes.items()}, relations, scans
    )


def read_scan_counts(ask: Ask) -> dict[int, int]:
    """Return the session's own counters of sequential scans, by table."""
    return {row[0]: row[1] for row in ask(_SCAN_COUNTS)}
