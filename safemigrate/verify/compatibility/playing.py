"""Prepared statements executed with values, in a transaction that is rolled back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from safemigrate.model import QualifiedName
from safemigrate.trace import Connection
from safemigrate.verify.compatibility.relations import Relations, Row
from safemigrate.verify.compatibility.statements import ReleaseStatement
from safemigrate.verify.compatibility.types import Type
from safemigrate.verify.compatibility.wire import Fault, WireSession

__all__ = ["Stand", "rolled_back"]

_TIME_LIMIT_MS = 5000
_NO_ROW: Row = {}


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

    def send(self, name: str, values: Sequence[str | None]) -> Fault | None:
        """Execute a statement with its own values, and keep what it did if it ends well."""
        wire = WireSession(self.connection)
        wire.run("SAVEPOINT one")
        # a constraint that is deferred would speak at COMMIT, which never comes
        fault = wire.execute(name, values) or wire.run("SET CONSTRAINTS ALL IMMEDIATE")
        wire.run("RELEASE one" if fault is None else "ROLLBACK TO one")
        return fault

    def try_rows(
        self, name: str, statement: ReleaseStatement, types: Sequence[Type | None]
    ) -> Fault | None:
        """Execute a statement with values of rows, undone each time, until it ends well."""
        wire = WireSession(self.connection)
        first: Fault | None = None
        for row in self._list_sources(statement):
            wire.run("SAVEPOINT one")
            if statement.shape.inserted is not None:
                self._make_room(statement.shape.inserted, row)
            values = [self._choose(statement, n, type_, row) for n, type_ in enumerate(types, 1)]
            fault = wire.execute(name, values) or wire.run("SET CONSTRAINTS ALL IMMEDIATE")
            wire.run("ROLLBACK TO one")
            if fault is None:
                return None
            first = first or fault
        return first

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

    def _make_room(self, table: QualifiedName, sources: Mapping[QualifiedName, Row]) -> None:
        """Take away the row whose values are about to be inserted, whoever refers to it."""
        relation = self.relations.find(table)
        row = None if relation is None else sources.get(relation.name)
        if relation is None or row is None:
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
        wire.run("SAVEPOINT room")
        # keys that refer to it would keep it; only a superuser may say this
        wire.run("SET LOCAL session_replication_role = replica")
        if wire.run("RELEASE room") is not None:
            wire.run("ROLLBACK TO room")
        wire.run("SAVEPOINT room")
        if wire.run(query.as_string(self.connection)) is not None:
            wire.run("ROLLBACK TO room")
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
