"""Prepared statements executed with values, in a transaction that is rolled back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto

from psycopg import sql

from safemigrate.model import QualifiedName
from safemigrate.trace import Connection
from safemigrate.verify.compatibility.relations import Relations, Row
from safemigrate.verify.compatibility.statements import ReleaseStatement
from safemigrate.verify.compatibility.types import Type
from safemigrate.verify.compatibility.wire import Fault, Outcome, WireSession

__all__ = ["GENTLE", "Room", "Stand", "rolled_back", "wants_room"]

_TIME_LIMIT_MS = 5000
_NO_ROW: Row = {}
# What a session says whose plans were made for another schema.
_OUTDATED = frozenset({"0A000", "42804", "XX000"})
# The classes of what fails with every row alike, and of what takes too long (appendix A).
_INCURABLE = frozenset({"0A", "42", "57", "XX"})


class Room(Enum):
    """What becomes of the row whose values an INSERT is given, which may be in its way.

    It stays, goes as the application would delete it, or goes whatever refers to it. Only the last
    makes the session forget its plans, also those of triggers and functions (PostgreSQL 14 to 18,
    assign_session_replication_role in commands/trigger.c), and with them what the application
    would meet with these.
    """

    NONE = auto()
    DELETED = auto()
    FORCED = auto()


GENTLE = (Room.NONE, Room.DELETED)


def wants_room(statement: ReleaseStatement, outcome: Outcome) -> bool:
    """Return whether a statement might do better with more room."""
    if statement.shape.inserted is None:
        return False
    return outcome == 0 if isinstance(outcome, int) else outcome.sqlstate[:2] not in _INCURABLE


@contextmanager
def rolled_back(connection: Connection) -> Iterator[None]:
    """Begin a transaction, and leave nothing of it in the end but sequences that have moved."""
    wire = WireSession(connection)
    wire.run("BEGIN")
    wire.run(f"SET LOCAL statement_timeout = {_TIME_LIMIT_MS}")
    try:
        yield
    finally:
        wire.run("ROLLBACK")
        # these outlive a transaction
        wire.run("SELECT pg_advisory_unlock_all()")


@dataclass(frozen=True, slots=True)
class Stand:
    """A session in a transaction that is rolled back, and rows to take values from."""

    connection: Connection
    relations: Relations
    rows: Mapping[QualifiedName, tuple[Row, ...]]

    def send(self, name: str, statement: ReleaseStatement, values: Sequence[str | None]) -> Outcome:
        """Execute a statement with its own values, and keep what it did if it ends well."""
        wire = WireSession(self.connection)
        wire.run("SAVEPOINT one")
        outcome = _execute(wire, name, values)
        if outcome == 0 and statement.shape.inserted is not None:
            wire.run("ROLLBACK TO one")
            outcome = self._execute_counting(name, statement.shape.inserted, values)
        wire.run("ROLLBACK TO one" if isinstance(outcome, Fault) else "RELEASE one")
        return outcome

    def has_rows(self, statement: ReleaseStatement) -> bool:
        """Return whether there is a row of each table that the statement names."""
        found = (self.relations.find(name) for name in statement.shape.tables)
        return all(one is not None and self.rows.get(one.name) for one in found)

    def try_rows(
        self,
        name: str,
        statement: ReleaseStatement,
        types: Sequence[Type | None],
        rooms: Sequence[Room],
    ) -> Outcome:
        """Execute a statement with values of rows, undone each time, until it is about a row.

        `rooms`: what is done for an INSERT, one after the other while it might help.
        """
        outcome: Outcome = 0
        for room in rooms:
            outcome = self._try_each(name, statement, types, room)
            if not wants_room(statement, outcome):
                break
        return outcome

    def _try_each(
        self,
        name: str,
        statement: ReleaseStatement,
        types: Sequence[Type | None],
        room: Room,
    ) -> Outcome:
        wire = WireSession(self.connection)
        outcomes: list[Outcome] = []
        for row in self._list_sources(statement):
            table = statement.shape.inserted
            wire.run("SAVEPOINT one")
            if table is not None:
                self._make_room(table, row, room)
            values = [self._choose(statement, n, type_, row) for n, type_ in enumerate(types, 1)]
            outcomes.append(_execute(wire, name, values))
            wire.run("ROLLBACK TO one")
            if outcomes[-1] == 0 and table is not None:
                self._make_room(table, row, room)
                outcomes[-1] = self._execute_counting(name, table, values)
                wire.run("ROLLBACK TO one")
            if isinstance(outcomes[-1], int) and outcomes[-1] > 0:
                break
        return _choose_best(outcomes)

    def _execute_counting(
        self, name: str, table: QualifiedName, values: Sequence[str | None]
    ) -> Outcome:
        """Execute an INSERT; return how many rows the table has more.

        Where a trigger puts the row into a child of the table, the server's own count is 0.
        """
        before = self._count(table)
        outcome = _execute(WireSession(self.connection), name, values)
        return outcome if isinstance(outcome, Fault) else max(self._count(table) - before, 0)

    def _count(self, table: QualifiedName) -> int:
        relation = self.relations.find(table)
        if relation is None or not relation.is_table:
            return 0
        query = sql.SQL("SELECT count(*) FROM {}").format(relation.identifier)
        return int(self.connection.execute(query).fetchall()[0][0])

    def _list_sources(self, statement: ReleaseStatement) -> Iterator[Mapping[QualifiedName, Row]]:
        """Yield one row of each table that the statement names, as often as there is another."""
        names = [
            found.name
            for name in statement.shape.tables
            if (found := self.relations.find(name)) is not None
        ]
        most = max((len(self.rows.get(name, ())) for name in names), default=0)
        for number in range(max(most, 1)):
            yield {
                name: rows[number % len(rows)] for name in names if (rows := self.rows.get(name))
            }

    def _make_room(
        self, table: QualifiedName, sources: Mapping[QualifiedName, Row], room: Room
    ) -> None:
        """Take away the row whose values are about to be inserted."""
        relation = self.relations.find(table)
        row = None if relation is None else sources.get(relation.name)
        if relation is None or row is None or room is Room.NONE:
            return
        wire = WireSession(self.connection)
        columns = relation.key or relation.columns
        query = sql.SQL("DELETE FROM {} WHERE {}").format(
            relation.identifier,
            sql.SQL(" AND ").join(
                sql.SQL("{}::text IS NOT DISTINCT FROM {}").format(
                    sql.Identifier(column), sql.Literal(row[column])
                )
                for column in columns
            ),
        )
        if room is Room.FORCED:
            wire.run("SAVEPOINT room")
            # keys that refer to it would keep it; only a superuser may say this
            wire.run("SET LOCAL session_replication_role = replica")
            if wire.run("RELEASE room") is not None:
                wire.run("ROLLBACK TO room")
        wire.run("SAVEPOINT room")
        if wire.run(query.as_string(self.connection)) is not None:
            wire.run("ROLLBACK TO room")
        if room is Room.FORCED:
            wire.run("SET LOCAL session_replication_role = origin")

    def _choose(
        self,
        statement: ReleaseStatement,
        number: int,
        type_: Type | None,
        sources: Mapping[QualifiedName, Row],
    ) -> str | None:
        """Return a value for a parameter: of the column it stands for, or one of its type."""
        sample = None if type_ is None else type_.sample
        column = statement.shape.parameters.get(number)
        if column is None:
            return sample
        relation = None if column.table is None else self.relations.find(column.table)
        rows = list(sources.values()) if relation is None else [sources.get(relation.name, _NO_ROW)]
        row = next((row for row in rows if column.column in row), None)
        if row is None:
            return sample
        value = row[column.column]
        if value is not None and type_ is not None and type_.is_array and value[:1] != "{":
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            return f'{{"{escaped}"}}'
        return value


def _execute(wire: WireSession, name: str, values: Sequence[str | None]) -> Outcome:
    outcome = wire.execute(name, values)
    if isinstance(outcome, Fault):
        return outcome
    # a constraint that is deferred would speak at COMMIT, which never comes
    fault = wire.run("SET CONSTRAINTS ALL IMMEDIATE")
    return outcome if fault is None else fault


def _choose_best(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the one that tells most: that it works, that plans are outdated, what has a cure."""
    counts = [one for one in outcomes if isinstance(one, int)]
    if counts:
        return max(counts)
    faults = [one for one in outcomes if isinstance(one, Fault)]
    outdated = [one for one in faults if one.sqlstate in _OUTDATED]
    curable = [one for one in faults if one.sqlstate[:2] not in _INCURABLE]
    return (outdated or curable or faults)[0]
