"""Rows changed until they meet the conditions of a table, with the server as the judge."""

import json
from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from safemigrate.trace import Connection, describe_fault
from safemigrate.verify.rows.drawing import Drawer, Row
from safemigrate.verify.rows.tables import Check, Table

__all__ = ["Solution", "as_sql", "protect", "solve_rows", "values_of"]

_ROUNDS = 14
# How many variations of a row are judged in one round, at most, and of all rows together.
_VARIATIONS = 16
_JUDGED = 800
# How many rows are judged one by one, once a condition has raised an error.
_SINGLE_BUDGET = 400


@dataclass(frozen=True, slots=True)
class Solution:
    """`rows`: those that meet every condition. `reason`: why others do not; empty when all do."""

    rows: tuple[Row, ...]
    reason: str = ""


def solve_rows(
    connection: Connection, drawer: Drawer, checks: Sequence[Check], rows: Sequence[Row]
) -> Solution:
    """Return the rows, changed until they meet the checks; without those where none was found."""
    if not checks:
        return Solution(tuple(rows))
    judge = _Judge(connection, drawer.table, checks)
    best = list(zip(rows, judge.failures(rows), strict=True))
    for attempt in range(1, _ROUNDS):
        open_ = [at for at, (_, failed) in enumerate(best) if failed]
        if not open_:
            break
        models = [row for row, failed in best if not failed]
        count = max(2, min(_JUDGED // len(open_), _VARIATIONS))
        tried = [
            (at, _vary(drawer, best[at], at, attempt * _VARIATIONS + number, models))
            for at in open_
            for number in range(count)
        ]
        for (at, row), failed in zip(tried, judge.failures([row for _, row in tried]), strict=True):
            if len(failed) < len(best[at][1]):
                best[at] = (row, failed)
    solved = tuple(row for row, failed in best if not failed)
    unmet = sorted({check.name for _, failed in best for check in failed})
    if not unmet:
        return Solution(solved)
    named = ", ".join(f'"{name}"' for name in unmet)
    return Solution(solved, f"no values were found that meet {named}{judge.remark}")


def _vary(
    drawer: Drawer,
    row: tuple[Row, Sequence[Check]],
    position: int,
    attempt: int,
    models: Sequence[Row],
) -> Row:
    """Return the row with other values where a check reads, every other time those of a model."""
    values, failed = row
    chosen = failed[:1] if attempt % 3 else failed
    columns = list(dict.fromkeys(name for check in chosen for name in check.reads))
    if models and attempt % 2:
        return drawer.follow(values, columns, models[(position + attempt) % len(models)])
    return drawer.vary(values, columns, position, attempt)


class _Judge:
    """Asks the server which checks a row fails."""

    def __init__(self, connection: Connection, table: Table, checks: Sequence[Check]) -> None:
        self.remark = ""
        self._connection = connection
        self._table = table
        self._checks = checks
        self._budget = _SINGLE_BUDGET

    def failures(self, rows: Sequence[Row]) -> list[tuple[Check, ...]]:
        """Return the checks that each row fails."""
        if not rows:
            return []
        try:
            with protect(self._connection):
                return self._ask(rows)
        except psycopg.Error as error:
            self.remark = f"; the server says {describe_fault(error)}"
        if len(rows) == 1:
            return [tuple(self._checks)]
        # An error ends the whole query, and is no answer about the other rows.
        verdicts = []
        for row in rows:
            self._budget -= 1
            verdicts.extend(self.failures([row]) if self._budget > 0 else [tuple(self._checks)])
        return verdicts

    def _ask(self, rows: Sequence[Row]) -> list[tuple[Check, ...]]:
        conditions = sql.SQL(", ").join(
            sql.SQL("coalesce(({}), true)").format(as_sql(check.expression))
            for check in self._checks
        )
        query = sql.SQL("SELECT ARRAY[{}] FROM {} AS {} ORDER BY {}").format(
            conditions,
            _with_generated(self._table, values_of(self._table, rows, rows[0])),
            sql.Identifier(self._table.name),
            sql.Identifier(_POSITION),
        )
        return [
            tuple(check for check, holds in zip(self._checks, row[0], strict=True) if not holds)
            for row in self._connection.execute(query).fetchall()
        ]


_POSITION = "safemigrate position"


def values_of(table: Table, rows: Sequence[Row], names: Collection[str]) -> sql.Composed:
    """Return a subquery of the rows, with columns of those names and types of the table."""
    columns = [one for one in table.written if one.name in names]
    # all values in one text, which is far faster than an array for each column
    values = json.dumps(
        [{str(at): row.get(one.name) for at, one in enumerate(columns)} for row in rows],
        ensure_ascii=False,
    )
    numbers = [sql.Identifier(str(at)) for at in range(len(columns))]
    texts = sql.SQL(", ").join(sql.SQL("{} text").format(one) for one in numbers)
    return sql.SQL(
        "(SELECT {}, ordinality AS {} FROM ROWS FROM (json_to_recordset({}) AS ({}))"
        " WITH ORDINALITY AS u)"
    ).format(
        sql.SQL(", ").join(
            sql.SQL("{}::{} AS {}").format(number, as_sql(one.sql), sql.Identifier(one.name))
            for number, one in zip(numbers, columns, strict=True)
        ),
        sql.Identifier(_POSITION),
        sql.Literal(values),
        texts,
    )


def _with_generated(table: Table, values: sql.Composed) -> sql.Composed:
    """Return the rows of a subquery with the generated columns of the table beside the others."""
    generated = [
        sql.SQL(", {} AS {}").format(as_sql(one.generation), sql.Identifier(one.name))
        for one in table.columns or ()
        if one.generation is not None
    ]
    return sql.SQL("(SELECT *{} FROM {} AS {})").format(
        sql.Composed(generated), values, sql.Identifier(table.name)
    )


def as_sql(text: str) -> sql.SQL:
    """Return what the server itself wrote, such as a type or a condition, as a part of SQL."""
    return sql.SQL(text)


def protect(connection: Connection) -> AbstractContextManager[object]:
    """Let an error of the block end nothing but the block, where a transaction is open."""
    if connection.info.transaction_status is TransactionStatus.IDLE:
        return nullcontext()
    return connection.transaction()
