"""A look at a session's transaction: the locks it holds, and what it has done so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from safemigrate.model import LockMode, QualifiedName
from safemigrate.trace.counts import Counts
from safemigrate.trace.relations import Ask, Relation

__all__ = ["Look", "look"]

# pg_class is joined on the outside: the lock of a relation that the transaction dropped has no row
# there. A scan takes a lock, so the relations locked are all that can have been scanned.
# SIReadLock belongs to SERIALIZABLE and blocks nobody ("Explicit Locking" does not list it).
# Sources: "System Views", pg_locks; "Monitoring", table 28.35, pg_stat_get_xact_numscans. What
# SHOW says of lock_timeout has a unit, or is 0, so it can be read as an interval.
_LOOK = """
SELECT l.virtualtransaction, l.relation::bigint, l.mode, n.nspname, c.relname, c.relkind::text,
       coalesce(i.indrelid, 0)::bigint, pg_catalog.pg_relation_filenode(l.relation)::bigint,
       CASE WHEN c.relkind IN ('r', 'm') THEN ARRAY[
         pg_catalog.pg_stat_get_xact_numscans(l.relation),
         pg_catalog.pg_stat_get_xact_tuples_returned(l.relation),
         pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation),
         pg_catalog.pg_stat_get_xact_tuples_updated(l.relation),
         pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation)] END,
       (1000 * EXTRACT(epoch FROM
         pg_catalog.current_setting('lock_timeout')::pg_catalog.interval))::bigint,
       pg_catalog.current_setting('safemigrate.rewrites', true)
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


@dataclass(frozen=True, slots=True)
class Look:
    """What a transaction holds and has done.

    `transaction`: what the server calls it; another one has another name.
    `relations`: those of the locked relations that are still there, as they are now.
    `counts`: the counters of the locked tables, counted from some earlier point.
    `lock_timeout_ms`: what is in force, 0 for no limit. `rewrites`: what `note_rewrites` has noted.
    """

    transaction: str = ""
    modes: Mapping[int, frozenset[LockMode]] = field(default_factory=dict)
    relations: Mapping[int, Relation] = field(default_factory=dict)
    counts: Mapping[int, Counts] = field(default_factory=dict)
    lock_timeout_ms: int | None = None
    rewrites: str = ""


def look(ask: Ask) -> Look:
    """Return what the transaction of the asked session holds; it must be in one."""
    transaction = ""
    modes: dict[int, set[LockMode]] = {}
    relations: dict[int, Relation] = {}
    counts: dict[int, Counts] = {}
    lock_timeout_ms, rewrites = None, ""
    for name, oid, mode, *about, counted, limit, noted in ask(_LOOK):
        transaction, lock_timeout_ms, rewrites = name, limit, noted or ""
        if oid is None:
            continue
        modes.setdefault(oid, set()).add(LockMode.from_pg_locks(mode))
        schema, relation, *stored = about
        if relation is not None:
            relations[oid] = Relation(oid, QualifiedName(schema, relation), *stored)
        if counted is not None:
            counts[oid] = Counts(*counted)
    held = {oid: frozenset(modes_of) for oid, modes_of in modes.items()}
    return Look(transaction, held, relations, counts, lock_timeout_ms, rewrites)
