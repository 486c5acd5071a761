"""Rows drawn, solved and sent to the server, until there are as many as wanted."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from safemigrate.trace import Connection, describe_fault
from safemigrate.verify.rows.drawing import Row
from safemigrate.verify.rows.preparing import Part
from safemigrate.verify.rows.solving import as_sql, protect, solve_rows, values_of
from safemigrate.verify.rows.tables import Table

__all__ = ["NO_FREE_KEY", "Inserted", "insert_part", "read_counters"]

NO_FREE_KEY = "every key that was tried is there already"

_BATCHES = 5
# The last few rows are not worth another batch.
_ENOUGH = 0.9
# How many rows are sent one by one in vain, once the server has refused them together.
_SINGLE_BUDGET = 80
_VARIATIONS = 8


@dataclass(frozen=True, slots=True)
class Inserted:
    """How many rows there are now, and why not more; empty where nobody knows."""

    rows: int
    reason: str = ""


def insert_part(connection: Connection, part: Part, rows: int) -> Inserted:
    """Insert that many rows, or as many as there are different keys for."""
    if rows <= 0:
        return Inserted(0)
    table = part.drawer.table
    start = _count(connection, table)
    sender = _Sender(connection, part)
    inserted, reason = 0, ""
    for batch in range(_BATCHES):
        missing = rows - inserted
        part.drawer.counters = read_counters(connection, table, missing)
        drawn = [part.drawer.draw(start + number, number) for number in range(missing)]
        start += missing
        solution = solve_rows(connection, part.drawer, part.checks, drawn)
        sent = sender.send(solution.rows)
        inserted += sent
        reason = sender.reason or solution.reason or reason
        is_enough = inserted >= rows or (batch > 0 and inserted >= _ENOUGH * rows)
        if is_enough or (not sent and reason):
            break
    return Inserted(inserted, reason or NO_FREE_KEY)


def _count(connection: Connection, table: Table) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.schema, table.name))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def read_counters(connection: Connection, table: Table, rows: int) -> dict[str, Sequence[str]]:
    """Take values from the sequences behind columns, so that later rows get others."""
    counters: dict[str, Sequence[str]] = {}
    for column in table.written:
        if column.counter is not None:
            query = sql.SQL("SELECT array_agg(({})::text) FROM generate_series(1, {})").format(
                as_sql(column.counter), sql.Literal(rows)
            )
            row = connection.execute(query).fetchone()
            counters[column.name] = list(row[0]) if row else []
    return counters


class _Sender:
    """Sends rows to one table; `reason`: why the server refused the last one that it refused."""

    def __init__(self, connection: Connection, part: Part) -> None:
        self.reason = ""
        self._connection = connection
        self._drawer = part.drawer
        self._budget = _SINGLE_BUDGET
        self._omits_defaults = False

    def send(self, rows: Sequence[Row]) -> int:
        """Insert the rows, and return how many went in; one whose key is there already does not."""
        if not rows:
            return 0
        inserted = self._insert(rows)
        if inserted is not None:
            return inserted
        return sum(self._send_one(row, number) for number, row in enumerate(rows))

    def _send_one(self, row: Row, number: int) -> int:
        """Try a row, the same with defaults where there are some, and then others."""
        for attempt in range(_VARIATIONS):
            if self._budget <= 0:
                return 0
            tried = (
                row if attempt in {0, 1} else self._drawer.vary(row, self._free(), number, attempt)
            )
            omits = self._omits_defaults != (attempt % 2 == 1)
            self._budget -= 1
            if self._insert([self._without_defaults(tried) if omits else tried]) == 1:
                self._omits_defaults = omits
                self._budget = max(self._budget, _SINGLE_BUDGET)
                return 1
        return 0

    def _free(self) -> list[str]:
        return [
            one.name for one in self._drawer.table.written if one.name not in self._drawer.counters
        ]

    def _without_defaults(self, row: Row) -> Row:
        return {
            one.name: row[one.name]
            for one in self._drawer.table.written
            if one.default is None or one.counter is not None
        }

    def _insert(self, rows: Sequence[Row]) -> int | None:
        """Insert the rows in one statement; return how many, None when the server refuses it."""
        table = self._drawer.table
        columns = [sql.Identifier(one) for one in rows[0]]
        statement = sql.SQL("INSERT INTO {}").format(sql.Identifier(table.schema, table.name))
        if columns:
            statement += sql.SQL(" ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS t").format(
                sql.SQL(", ").join(columns),
                sql.SQL(", ").join(columns),
                values_of(table, rows, list(rows[0])),
            )
        else:
            # every column at its default
            statement += sql.SQL(" SELECT FROM generate_series(1, {})").format(len(rows))
        if all(key.is_immediate for key in table.keys or ()):
            statement += sql.SQL(" ON CONFLICT DO NOTHING")
        try:
            with protect(self._connection):
                return self._connection.execute(statement).rowcount
        except psycopg.Error as error:
            self.reason = f"the server says {describe_fault(error)}"
            return None
