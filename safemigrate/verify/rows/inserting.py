"""Rows drawn, solved and sent to the server, until there are as many as wanted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from safemigrate.trace import Connection, describe_fault
from safemigrate.verify.rows.drawing import Row
from safemigrate.verify.rows.preparing import Part
from safemigrate.verify.rows.solving import as_sql, protect, solve_rows, values_of
from safemigrate.verify.rows.tables import Table

__all__ = ["NO_FREE_KEY", "Gone", "Inserted", "insert_part", "read_counters"]

NO_FREE_KEY = "every key that was tried is there already"

_BATCHES = 5
# The last few rows are not worth another batch.
_ENOUGH = 0.9
# How many rows are sent one by one in vain, once the server has refused them together.
_SINGLE_BUDGET = 80
_VARIATIONS = 8


@dataclass(frozen=True, slots=True)
class Gone:
    """The keys of rows that a table had and has no longer; no other row is to get one of them.

    `columns`: the primary key's, as they are named now. `keys`: their values, as text.
    """

    columns: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Inserted:
    """How many rows there are now, and why not more; empty where nobody knows."""

    rows: int
    reason: str = ""


def insert_part(
    connection: Connection, part: Part, rows: int, gone: Gone | None = None
) -> Inserted:
    """Insert that many rows, or as many as there are different keys for.

    `gone`: keys that no row gets, for one who compares by them would take it for the earlier row.
    """
    if rows <= 0:
        return Inserted(0)
    table = part.drawer.table
    start = _count(connection, table)
    if gone is not None:
        # past all positions that earlier rows can have been drawn at, whose other unique values
        # somebody may want back as well
        start += (_BATCHES + 1) * max(rows, len(gone.keys))
    sender = _Sender(connection, part, gone)
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
    if not inserted and not reason and gone is None:
        reason = sender.find_silence()
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


class _SeenKeys:
    """The values that rows have in keys, also in those that the table is still to get.

    The server refuses none of the latter yet, and what is varied may come up twice.
    """

    def __init__(self, table: Table) -> None:
        self._keys = [one.columns or () for one in table.keys or () if one.is_plain]
        self._seen: set[tuple[str | None, ...]] = set()

    def leave_out_repeated(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows without those that have a key of another one, or of one added before."""
        seen = set(self._seen)
        distinct = []
        for row in rows:
            values = self._values(row)
            if seen.isdisjoint(values):
                seen.update(values)
                distinct.append(row)
        return distinct

    def add(self, rows: Sequence[Row]) -> None:
        """Take down rows that the server took."""
        for row in rows:
            self._seen.update(self._values(row))

    def _values(self, row: Row) -> list[tuple[str | None, ...]]:
        """Return a value for each key, but for one with NULL or a default in it."""
        return [
            (str(number), *values)
            for number, columns in enumerate(self._keys)
            if columns and None not in (values := [row.get(name) for name in columns])
        ]


class _Sender:
    """Sends rows to one table; `reason`: why the server refused the last one that it refused."""

    def __init__(self, connection: Connection, part: Part, gone: Gone | None) -> None:
        self.reason = ""
        self._connection = connection
        self._drawer = part.drawer
        self._gone = gone
        self._budget = _SINGLE_BUDGET
        self._omits_defaults = False
        self._seen = _SeenKeys(part.drawer.table)
        self._last: Row | None = None

    def send(self, rows: Sequence[Row]) -> int:
        """Insert the rows, and return how many went in; one whose key is there already does not."""
        distinct = self._seen.leave_out_repeated(rows)
        if not distinct:
            return 0
        inserted = self._insert(distinct)
        if inserted is not None:
            self._seen.add(distinct)
            self._last = distinct[-1]
            return inserted
        return sum(self._send_one(row, number) for number, row in enumerate(rows))

    def find_silence(self) -> str:
        """Return why no row went in though none was refused, or "" where its key was there."""
        table = self._drawer.table
        if self._last is None or self._insert([self._last], is_lenient=False) != 0:
            # what the server says of the key is no reason
            self.reason = ""
            return ""
        return f"a trigger or a rule keeps rows out of {table.schema}.{table.name}"

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
            sent = [self._without_defaults(tried) if omits else tried]
            if self._seen.leave_out_repeated(sent) and self._insert(sent) == 1:
                self._seen.add(sent)
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

    def _insert(self, rows: Sequence[Row], *, is_lenient: bool = True) -> int | None:
        """Insert the rows in one statement; return how many, None when the server refuses it.

        `is_lenient`: one whose key is there already is left out.
        """
        table = self._drawer.table
        columns = [sql.Identifier(one) for one in rows[0]]
        statement = sql.SQL("INSERT INTO {}").format(sql.Identifier(table.schema, table.name))
        if columns:
            statement += sql.SQL(" ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} AS t").format(
                sql.SQL(", ").join(columns),
                sql.SQL(", ").join(columns),
                values_of(table, rows, list(rows[0])),
            )
            statement += self._leave_out_gone(rows[0])
        else:
            # every column at its default
            statement += sql.SQL(" SELECT FROM generate_series(1, {})").format(len(rows))
        if is_lenient and all(key.is_immediate for key in table.keys or ()):
            statement += sql.SQL(" ON CONFLICT DO NOTHING")
        try:
            with protect(self._connection):
                return self._connection.execute(statement).rowcount
        except psycopg.Error as error:
            self.reason = f"the server says {describe_fault(error)}"
            return None

    def _leave_out_gone(self, row: Row) -> sql.Composed:
        """Return the condition that a row has none of the keys that are gone."""
        if self._gone is None or not set(self._gone.columns) <= row.keys():
            return sql.Composed([])
        # as the server writes it, for a value that was drawn may be written in another way
        return sql.SQL(
            " WHERE to_jsonb(ARRAY[{}]) NOT IN (SELECT jsonb_array_elements({}))"
        ).format(
            sql.SQL(", ").join(
                sql.SQL("{}::text").format(sql.Identifier(one)) for one in self._gone.columns
            ),
            sql.Literal(json.dumps(self._gone.keys, ensure_ascii=False)),
        )
