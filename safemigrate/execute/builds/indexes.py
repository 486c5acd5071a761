"""CREATE, DROP and REINDEX … CONCURRENTLY, on what is no partitioned table."""

import re
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.engine import Connection

from safemigrate.errors import RevisionFailedError
from safemigrate.execute.builds.build import Build
from safemigrate.execute.builds.definitions import FoundIndex, foresee_definition, list_indexes
from safemigrate.execute.builds.leftovers import clear_up, remove
from safemigrate.execute.builds.looking import Relation, find_relation
from safemigrate.execute.builds.others import Company
from safemigrate.model import CreateIndex, LockMode, QualifiedName, Reindex, ReindexKind

__all__ = ["IndexBuild", "IndexDrop", "IndexRebuild", "refuse_another"]

# What REINDEX CONCURRENTLY calls the new index, and then the old one.
# https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
_TRANSIENT = r"_cc(new|old)[0-9]*$"


def _find_twins(
    connection: Connection, table: Relation, action: CreateIndex
) -> tuple[tuple[FoundIndex, ...], str | None]:
    """Return the table's indexes, and the definition that the action's will have.

    The definition is None where it need not be known, because nothing stands in the way, and
    where the server takes no such index.
    """
    indexes = list_indexes(connection, table.oid)
    is_clear = not any(one.is_leftover or one.relation.name == action.name for one in indexes)
    wanted = None if is_clear else foresee_definition(connection, table, action)
    return indexes, wanted


def refuse_another(index: FoundIndex) -> RevisionFailedError:
    """Return the error for IF NOT EXISTS, where an index of the name is there and is another."""
    return RevisionFailedError(
        f'"{index.relation}" is there and is another index than the one that is wanted, so that '
        "IF NOT EXISTS would do nothing; drop or rename it first"
    )


class IndexBuild:
    """CREATE INDEX CONCURRENTLY.

    `send`: how it is sent; by default the statement itself.
    """

    may_be_repeated = True
    felt = None

    def __init__(
        self,
        build: Build,
        action: CreateIndex,
        table: Relation,
        send: Callable[[], object] | None = None,
    ) -> None:
        self._build = build
        self._action = action
        self._table = table
        self._send = send or build.sent.send
        self._known: frozenset[int] = frozenset()

    @property
    def company(self) -> Company:
        """Those who write to the table, and every old snapshot."""
        return Company((self._table.oid,), LockMode.SHARE, has_snapshots=True)

    def prepare(self) -> Callable[[], object]:
        """Drop the INVALID indexes of this name or definition; nobody builds them now."""
        found = self._build.look(lambda one: _find_twins(one, self._table, self._action))
        if found is None:
            return self._send
        indexes, wanted = found
        leftovers = [one for one in indexes if one.is_leftover and self._is_twin(one, wanted)]
        if self._action.takes_existing:
            self._refuse_another(indexes, wanted)
        remove(self._build, leftovers)
        self._known = frozenset(one.relation.oid for one in indexes) - {
            one.relation.oid for one in leftovers
        }
        return self._send

    def clear_up(self) -> bool:
        """Drop what the build left."""
        found = self._build.look(lambda one: list_indexes(one, self._table.oid))
        if found is None:
            return False
        own = [one for one in found if one.is_leftover and one.relation.oid not in self._known]
        return clear_up(self._build, own)

    def _is_twin(self, index: FoundIndex, wanted: str | None) -> bool:
        return index.relation.name == self._action.name or index.definition == wanted

    def _refuse_another(self, indexes: tuple[FoundIndex, ...], wanted: str | None) -> None:
        """Raise when the server would take another index, or a table, for the one wanted."""
        name = self._action.name
        if name is None:
            return
        named = next((one for one in indexes if one.relation.name == name), None)
        if named is not None:
            if named.is_leftover or wanted is None or named.definition == wanted:
                return
            raise refuse_another(named)
        place = QualifiedName(self._table.schema, name)
        other = self._build.look(lambda connection: find_relation(connection, place))
        if other is not None:
            raise RevisionFailedError(
                f'"{other}" is there and is no index of "{self._table}", so that IF NOT EXISTS '
                "would do nothing; give the index another name"
            )


class IndexDrop:
    """DROP INDEX CONCURRENTLY; what an earlier run left INVALID is dropped by the statement."""

    may_be_repeated = True
    felt = None

    def __init__(self, build: Build, index: Relation, table: int) -> None:
        self._build = build
        self._index = index
        self._table = table

    @property
    def company(self) -> Company:
        """Everybody who uses the table."""
        return Company((self._table,), LockMode.ACCESS_EXCLUSIVE, has_snapshots=False)

    def prepare(self) -> Callable[[], object]:
        """Return the statement as it is."""
        return self._build.sent.send

    def clear_up(self) -> bool:
        """Return whether the index is as it was."""
        found = self._build.look(lambda one: list_indexes(one, self._table))
        oid = self._index.oid
        return any(one.relation.oid == oid and one.is_valid for one in found or ())


_TABLES_OF = text(
    """
    WITH RECURSIVE chosen AS (
        SELECT c.oid, c.reltoastrelid FROM pg_class AS c
            LEFT JOIN pg_index AS i ON i.indexrelid = CAST(:relation AS bigint)::oid
        WHERE c.oid = coalesce(i.indrelid, CAST(:relation AS bigint)::oid)
            OR c.relkind IN ('r', 'm', 'p') AND (
                c.relnamespace = CAST(:schema AS bigint)::oid
                OR CAST(:has_all AS boolean) AND c.relpersistence <> 't'
                    AND c.relnamespace <> 'pg_catalog'::regnamespace)
        UNION
        SELECT c.oid, c.reltoastrelid FROM chosen JOIN pg_inherits AS h ON h.inhparent = chosen.oid
            JOIN pg_class AS c ON c.oid = h.inhrelid AND c.relispartition
    )
    SELECT oid::bigint FROM chosen UNION SELECT reltoastrelid::bigint FROM chosen
    WHERE reltoastrelid <> 0
    """
)
_SCHEMA = text("SELECT oid::bigint FROM pg_namespace WHERE nspname = CAST(:name AS text)")


class IndexRebuild:
    """REINDEX … CONCURRENTLY, of an index, a table, a schema or the database."""

    may_be_repeated = True
    felt = None

    def __init__(self, build: Build, action: Reindex) -> None:
        self._build = build
        self._tables = build.look(lambda one: _list_tables(one, action)) or ()

    @property
    def company(self) -> Company:
        """Everybody who uses one of the tables, and every old snapshot."""
        return Company(self._tables, LockMode.ACCESS_EXCLUSIVE, has_snapshots=True)

    def prepare(self) -> Callable[[], object]:
        """Drop the transient indexes of an earlier run."""
        leftovers = self._find_leftovers() or ()
        remove(self._build, leftovers)
        return self._build.sent.send

    def clear_up(self) -> bool:
        """Drop the transient indexes of this one."""
        leftovers = self._find_leftovers()
        return leftovers is not None and clear_up(self._build, leftovers)

    def _find_leftovers(self) -> tuple[FoundIndex, ...] | None:
        found = self._build.look(lambda one: list_indexes(one, *self._tables))
        if found is None:
            return None
        return tuple(
            one for one in found if one.is_leftover and re.search(_TRANSIENT, one.relation.name)
        )


def _list_tables(connection: Connection, action: Reindex) -> tuple[int, ...]:
    """Return the oids of the tables, with their partitions and what is kept beside them."""
    relation = schema = None
    if action.relation is not None:
        relation = find_relation(connection, action.relation)
    if action.schema is not None:
        schema = connection.execute(_SCHEMA, {"name": action.schema}).scalar_one_or_none()
    parameters = {
        "relation": relation.oid if relation is not None else None,
        "schema": schema,
        "has_all": action.kind in {ReindexKind.DATABASE, ReindexKind.SYSTEM},
    }
    return tuple(connection.scalars(_TABLES_OF, parameters))
