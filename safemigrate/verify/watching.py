"""The schema of a database, looked at again and again: only what changed is read again."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files

import psycopg
from psycopg import sql

from safemigrate.errors import DatabaseError
from safemigrate.trace import Connection, describe_fault
from safemigrate.verify.snapshots import (
    Snapshot,
    VersionTable,
    gather_objects,
    name_version_table,
    read_query,
)

__all__ = ["SchemaWatch"]

_PUBLICATION = 6104
_RELATION = 1259
_OTHERS = 0
_VERSION_TABLE = "SELECT set_config('safemigrate.version_table', %s, false)"
_SETTINGS = (
    "SELECT set_config('search_path', '', false), set_config('jit', 'off', false),"
    # a plan for arrays of any length, made once: to plan takes longer than to read a few rows
    " set_config('plan_cache_mode', 'force_generic_plan', false),"
    " set_config('enable_seqscan', 'off', false), set_config('enable_hashjoin', 'off', false),"
    " set_config('enable_mergejoin', 'off', false)"
)
# Kinds whose definition others show: a label, a name or a base that is another changes theirs.
_SHOWN_ELSEWHERE = frozenset({"domain", "enum", "type"})

_FINGERPRINTS = (files("safemigrate.verify") / "fingerprints.sql").read_bytes()
Key = tuple[str, str]


@dataclass(slots=True)
class SchemaWatch:
    """What is known of the schema of one database, or of the one that it is a copy of.

    What is stored of an object has a *source*, a number; see `snapshot.sql`. Sources whose rows
    were written, and what depends on them, are read again; a change that may show elsewhere, such
    as a new name, makes it read everything.
    `is_incremental`: False reads everything at each look.
    """

    is_incremental: bool = True
    _stored: dict[int, tuple[int, int]] = field(default_factory=dict)
    _keys: dict[int, list[Key]] = field(default_factory=dict)
    _objects: dict[Key, str] = field(default_factory=dict)
    _is_known: bool = False
    _snapshot: Snapshot | None = None
    _version_oid: int = 0
    _prepared: Connection | None = None

    def look(self, connection: Connection, version_table: VersionTable) -> Snapshot:
        """Return the schema as it is committed now; equal to what `take_snapshot` returns.

        `connection`: a session for nothing else, in autocommit mode, whose settings this changes.
        Nobody else changes the database meanwhile. Raises DatabaseError when it cannot be read.
        """
        try:
            if self._prepared is not connection:
                _prepare(connection, self._version_oid)
                self._prepared = connection
            self._read(connection, version_table)
        except psycopg.Error as err:
            raise DatabaseError(
                f"the schema cannot be read: {describe_fault(err)}",
                "look into the server's log",
            ) from err
        if self._snapshot is None:
            self._snapshot = gather_objects(self._objects)
        return self._snapshot

    def _read(self, connection: Connection, version_table: VersionTable) -> None:
        stored = _read_fingerprints(connection)
        written = {source for source, mark in stored.items() if self._stored.get(source) != mark}
        gone = self._stored.keys() - stored.keys()
        if self._is_known and self.is_incremental and not written and not gone:
            return
        # whatever goes wrong, the next look reads everything
        is_known, self._is_known, self._snapshot = self._is_known, False, None
        if (
            not is_known
            or not self.is_incremental
            or not written.isdisjoint((_OTHERS, self._version_source))
            or self._version_source not in stored
            or not self._read_again(connection, stored, written, gone)
        ):
            self._read_all(connection, version_table)
        self._stored = stored
        self._is_known = True

    @property
    def _version_source(self) -> int:
        return _RELATION << 32 | self._version_oid

    def _read_all(self, connection: Connection, version_table: VersionTable) -> None:
        # one without a schema is found as env.py would find it
        connection.execute("RESET search_path")
        name = name_version_table(version_table, is_local=False)
        ((oid,),) = connection.execute(name.encode()).fetchall()
        connection.execute("SET search_path = ''")
        self._version_oid = int(oid)
        found = _sort_by_source(connection.execute(read_query(of_changes=False).encode()))
        self._keys, self._objects = {}, {}
        for source, objects in found.items():
            self._add(source, objects)

    def _read_again(
        self, connection: Connection, stored: Iterable[int], written: set[int], gone: Iterable[int]
    ) -> bool:
        """Read what changed; return False where something else may look different now."""
        # what one publishes, and how, follows from tables that say nothing of it
        publications = (source for source in stored if source >> 32 == _PUBLICATION)
        sources = sorted({*written, *publications})
        execute = sql.SQL("EXECUTE safemigrate_changed({})").format(sql.Literal(sources))
        found = _sort_by_source(connection.execute(execute))
        affected = written | found.keys()
        before = {source: self._take(source) for source in (*gone, *affected)}
        for source, objects in found.items():
            self._add(source, objects)
        return not any(
            _may_show_elsewhere(before[source], found.get(source, {})) for source in affected
        )

    def _take(self, source: int) -> dict[Key, str]:
        """Return what was known of the source, and forget it."""
        return {key: self._objects.pop(key) for key in self._keys.pop(source, ())}

    def _add(self, source: int, objects: dict[Key, str]) -> None:
        self._keys[source] = list(objects)
        self._objects.update(objects)


def _prepare(connection: Connection, version_oid: int) -> None:
    """Set the session up; what was prepared in another one on the database is not there."""
    connection.execute(_SETTINGS)
    connection.execute(_VERSION_TABLE, (str(version_oid),))
    prepare = f"PREPARE safemigrate_changed (bigint[]) AS {read_query(of_changes=True)}"
    connection.execute(prepare.encode())


def _read_fingerprints(connection: Connection) -> dict[int, tuple[int, int]]:
    """Return for each source two numbers, of which one changes when something of it is written."""
    (_, _, _, fixed), *rows = connection.execute(_FINGERPRINTS, prepare=True).fetchall()
    return {
        source: (count, 0 if age is None else (aging or count) * fixed - age)
        for source, count, aging, age in rows
    }


def _may_show_elsewhere(before: dict[Key, str], after: dict[Key, str]) -> bool:
    """Return whether something has another name now, or others show what it is."""
    lost, new = before.keys() - after.keys(), after.keys() - before.keys()
    if {kind for kind, _ in lost} & {kind for kind, _ in new}:
        return True
    return any(kind in _SHOWN_ELSEWHERE for kind, _ in before) and before != after


def _sort_by_source(rows: Iterable[tuple[object, ...]]) -> dict[int, dict[Key, str]]:
    found: dict[int, dict[Key, str]] = defaultdict(dict)
    for kind, identity, definition, source in rows:
        found[int(str(source))][str(kind), str(identity)] = str(definition)
    return found
