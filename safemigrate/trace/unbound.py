"""One statement outside a transaction, observed from a second session."""

from collections.abc import Mapping, Sequence
from typing import Any

from safemigrate.model import Certainty, QualifiedName
from safemigrate.trace.changes import Changes, find_rewrites, find_scans, name_locks
from safemigrate.trace.commands import is_truncation
from safemigrate.trace.counts import SHARED_COUNTS, Counts, find_rows, read_counts
from safemigrate.trace.relations import Relation, read_relations
from safemigrate.trace.sessions import Connection, DriverSession
from safemigrate.trace.watch import Watch, choose_hold

__all__ = ["UnboundTrace", "flush_counts"]

_SESSION = """
SELECT pg_catalog.pg_backend_pid(), setting::bigint FROM pg_catalog.pg_settings
 WHERE name = 'lock_timeout'
"""
# A statement that gives up sooner must not be made to wait, not even for a poll.
_SHORTEST_LOCK_TIMEOUT_MS = 1000

# The counters reach other sessions at the end of the command that asks for it, from 15 on
# ("Monitoring", table 28.34).
_FLUSH = "SELECT pg_catalog.pg_stat_force_next_flush()"
_FIRST_WITH_FLUSH = 150000


def flush_counts(connection: Connection) -> None:
    """Show other sessions what this one has counted, which its end may do only later.

    The connection is in no transaction, and commits every statement by itself afterwards.
    """
    if connection.info.server_version >= _FIRST_WITH_FLUSH:
        connection.autocommit = True
        connection.execute(_FLUSH)


class UnboundTrace:
    """The trace of one statement; it begins at once, and `finish` or `abandon` ends it.

    `relations_after`: what is there once it has finished.
    """

    def __init__(self, second: Connection, session: DriverSession, sql: str) -> None:
        self.relations_after: dict[int, Relation] = {}
        self._second = second
        self._session = session
        self._sql = sql
        self._has_flush = second.info.server_version >= _FIRST_WITH_FLUSH
        self._relations = read_relations(self._ask_second)
        self._counts = self._read_counts()
        ((pid, self._lock_timeout_ms),) = session.ask(_SESSION)
        is_patient = not 0 < self._lock_timeout_ms < _SHORTEST_LOCK_TIMEOUT_MS
        hold = choose_hold(sql, self._tables_mentioned()) if is_patient else None
        self._watch = Watch(second, pid, hold)
        self._watch.start()

    def finish(self, preexisting: Mapping[int, Relation]) -> Changes:
        """Return what the statement did; it has come back without an error."""
        sighting = self._watch.stop()
        counts = self._read_counts()
        self.relations_after = read_relations(self._ask_second)
        named = {**self.relations_after, **self._relations}
        locks, minor = name_locks(sighting.modes, sighting.modes, named, preexisting)
        is_known = sighting.is_complete and self._has_flush
        rewrites = find_rewrites(self._relations, self.relations_after, preexisting)
        scans = find_scans(self._counts, counts, self._relations, preexisting)
        if is_truncation(self._sql):
            rewrites = scans = ()
        certainty = Certainty.KNOWN if is_known else Certainty.ASSUMED
        return Changes(
            locks,
            minor=minor,
            rewrites=rewrites,
            scans=scans,
            certainty=certainty,
            rows=find_rows(self._counts, counts, named, preexisting),
            lock_timeout_ms=self._lock_timeout_ms,
            waited_for=tuple(sorted(sighting.waited_for)),
        )

    def abandon(self) -> None:
        """End the watch; the statement has failed."""
        self._watch.stop()

    def _tables_mentioned(self) -> tuple[QualifiedName, ...]:
        """Return the tables that the statement may name, itself or by one of their indexes."""
        tables = {
            relation.table or relation.oid
            for relation in self._relations.values()
            if relation.name.name in self._sql
        }
        found = [self._relations[oid] for oid in tables if oid in self._relations]
        return tuple(relation.name for relation in found if relation.kind in "rp")

    def _read_counts(self) -> dict[int, Counts]:
        if not self._has_flush:
            return {}
        self._session.ask(_FLUSH)
        return read_counts(self._ask_second, SHARED_COUNTS)

    def _ask_second(self, query: str) -> Sequence[Sequence[Any]]:
        return self._second.execute(query.encode()).fetchall()
