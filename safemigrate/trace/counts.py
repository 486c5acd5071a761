"""What a server counts of a table: sequential scans, rows read in them, rows changed."""

from collections.abc import Mapping
from dataclasses import dataclass

from safemigrate.model import TableRows
from safemigrate.trace.relations import Ask, Relation, is_hidden

__all__ = ["SESSION_COUNTS", "SHARED_COUNTS", "Counts", "find_rows", "read_counts"]

# The counters are kept from one transaction to the next until they are flushed, up to a second
# later ("Monitoring", 28.2.2), so a transaction does not begin with zeros.
SESSION_COUNTS = """
SELECT * FROM (
SELECT c.oid::bigint, pg_catalog.pg_stat_get_xact_numscans(c.oid) AS scans,
       pg_catalog.pg_stat_get_xact_tuples_returned(c.oid) AS read,
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) AS inserted,
       pg_catalog.pg_stat_get_xact_tuples_updated(c.oid) AS updated,
       pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS deleted
  FROM pg_catalog.pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm')
) counted WHERE scans + inserted + updated + deleted > 0
"""
# The same as all sessions have told so far.
SHARED_COUNTS = """
SELECT c.oid::bigint, pg_catalog.pg_stat_get_numscans(c.oid),
       pg_catalog.pg_stat_get_tuples_returned(c.oid),
       pg_catalog.pg_stat_get_tuples_inserted(c.oid),
       pg_catalog.pg_stat_get_tuples_updated(c.oid),
       pg_catalog.pg_stat_get_tuples_deleted(c.oid)
  FROM pg_catalog.pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm')
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """The counters of one table, counted from some earlier point."""

    scans: int = 0
    read: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0


_NONE = Counts()


def read_counts(ask: Ask, query: str) -> dict[int, Counts]:
    """Return the counters by table; `query` is one of this module."""
    return {oid: Counts(*counted) for oid, *counted in ask(query)}


def find_rows(
    before: Mapping[int, Counts],
    after: Mapping[int, Counts],
    named: Mapping[int, Relation],
    preexisting: Mapping[int, Relation],
) -> tuple[TableRows, ...]:
    """Return what was done to rows between the two, tables nobody names left out."""
    found = [
        _subtract(before.get(oid, _NONE), now, named[oid], is_preexisting=oid in preexisting)
        for oid, now in after.items()
        if oid in named and not is_hidden(named[oid])
    ]
    return tuple(
        sorted(
            (rows for rows in found if rows.read or rows.changed), key=lambda rows: str(rows.table)
        )
    )


def _subtract(
    before: Counts, after: Counts, relation: Relation, *, is_preexisting: bool
) -> TableRows:
    """Return the difference; TRUNCATE sets back what the transaction had counted before it."""
    return TableRows(
        relation.name,
        max(0, after.read - before.read),
        max(0, after.inserted - before.inserted),
        max(0, after.updated - before.updated),
        max(0, after.deleted - before.deleted),
        is_preexisting,
    )
