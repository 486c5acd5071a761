"""A cursor in the sense of PEP 249: it notes what it is given, and answers what it can."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.engine import result as sqlalchemy_result
from sqlalchemy.types import TypeEngine

from safemigrate.model import Span
from safemigrate.source.answers import known_answer
from safemigrate.source.copying import Copy, copy_statement
from safemigrate.source.questions import answer_question, concerns_catalog
from safemigrate.source.rows import make_row, only_row
from safemigrate.source.statement_text import (
    bind_values,
    first_keyword,
    is_query,
    number_placeholders,
)
from safemigrate.sql import split_statements
from safemigrate.sql.queries import Query, read_query

if TYPE_CHECKING:  # a connection makes its cursors
    from safemigrate.source.dbapi import Connection

__all__ = ["Cursor", "split_sent"]

Row = tuple[object, ...]
_NUMBERED = re.compile(r"\$[1-9]\d*")
Column = tuple[str, int | None, None, None, None, None, None]


class Cursor:
    """A cursor that notes what it is given.

    An answer that only a database could give is empty, or the one row that any database gives to
    such a query, or that the code demands, with values made up; looking at it is noted.
    `columns`: the names of the columns that the caller knows the answer to have, and `types` their
    types, set before `execute`. `prepared_rows`: rows it is to answer with whatever is asked,
    likewise.
    """

    arraysize = 1
    lastrowid = None
    statusmessage = ""
    row_factory: object = None

    def __init__(self, connection: "Connection") -> None:
        self.connection = connection
        self.description: list[Column] | None = None
        self.rowcount = -1
        self.columns: Sequence[str] = ()
        self.types: Sequence[TypeEngine[Any]] = ()
        self.prepared_rows: list[Row] | None = None
        self._rows: list[Row] = []
        # gives the rows of an answer that is not known, when they are looked at
        self._make_rows: Callable[[], list[Row]] | None = None
        self._is_assumed = False
        self._is_about_rows = False
        self._span: Span | None = None
        # how many values are in texts that are about to be sent
        self._mogrified = 0

    def execute(self, operation: object, parameters: object = None, **_: object) -> Self:
        """Note a statement, or several in one string."""
        text = _to_text(operation)
        sql = number_placeholders(text, parameters)
        statements = [self._number_anew(one) for one in split_sent(sql)]
        self._mogrified = 0
        self._span = self.connection.tape.note(self.connection.play(statements), parameters)
        self._answer(statements[0] if statements else "", text, parameters)
        return self

    def executemany(self, operation: object, parameters: Sequence[object], **_: object) -> Self:
        """Note a statement once, however many rows it is given."""
        rows = list(parameters)
        return self.execute(operation, rows[0] if rows else None)

    def mogrify(self, operation: object, parameters: object = None) -> bytes:
        """Return the text as psycopg2 would send it, but with `$1` for what is bound.

        What is put together of several such texts, as `execute_values` does, has a number for each.
        """
        text = _to_text(operation)
        sql = number_placeholders(text, parameters, self._mogrified)
        self._mogrified += len(bind_values(text, parameters))
        return sql.encode()

    def copy_expert(self, sql: object, *_: object, **__: object) -> None:
        """Note a COPY, as psycopg2 sends it."""
        self.execute(sql)

    def copy_from(
        self, file: object, table: str, *_: object, columns: Sequence[str] = (), **__: object
    ) -> None:
        """Note a COPY into a table, as psycopg2 sends it."""
        del file
        self.execute(copy_statement(table, columns or (), "FROM STDIN"))

    def copy_to(
        self, file: object, table: str, *_: object, columns: Sequence[str] = (), **__: object
    ) -> None:
        """Note a COPY out of a table, as psycopg2 sends it."""
        del file
        self.execute(copy_statement(table, columns or (), "TO STDOUT"))

    def copy(self, statement: object, parameters: object = None, **_: object) -> Copy:
        """Note a COPY, as psycopg sends it; its data go nowhere, and none come."""
        self.execute(statement, parameters)
        return Copy()

    def fetchone(self) -> Row | None:
        """Return the next row, if any."""
        self._look()
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Row]:
        """Return the rows."""
        self._look()
        count = len(self._rows) if size is None else size
        rows, self._rows = self._rows[:count], self._rows[count:]
        return rows

    def fetchall(self) -> list[Row]:
        """Return the rows."""
        return self.fetchmany()

    def close(self) -> None:
        """Do nothing."""

    async def _async_soft_close(self) -> None:
        """Do nothing, as the cursors of SQLAlchemy's asynchronous drivers do."""

    def nextset(self) -> None:
        """Say that there is no other answer."""

    def setinputsizes(self, *_: object) -> None:
        """Do nothing, as PEP 249 allows."""

    def setoutputsize(self, *_: object) -> None:
        """Do nothing, as PEP 249 allows."""

    def _number_anew(self, sql: str) -> str:
        """Return one of several statements with its own numbers for what was mogrified."""
        if not self._mogrified:
            return sql
        numbers: dict[str, str] = {}
        return _NUMBERED.sub(
            lambda found: numbers.setdefault(found.group(), f"${len(numbers) + 1}"), sql
        )

    def _answer(self, sql: str, text: str, parameters: object) -> None:
        self.description, self.rowcount, self._rows = None, -1, []
        self._make_rows, self._is_assumed, self._is_about_rows = None, False, False
        if self.prepared_rows is not None:
            self._give(self.prepared_rows)
        elif is_query(sql):
            self._answer_query(sql, text, parameters)
        elif first_keyword(sql) in {"INSERT", "UPDATE", "DELETE", "MERGE"}:
            self.rowcount = int(self.connection.tape.is_first_change(self._span, sql))
        self.columns, self.types, self.prepared_rows = (), (), None

    def _answer_query(self, sql: str, text: str, parameters: object) -> None:
        tape = self.connection.tape
        known = known_answer(sql, tape)
        if known is not None:
            self._give([known])
            return
        asks_catalog = concerns_catalog(sql)
        query = None
        if asks_catalog or not self.columns:
            # names for the columns, which nobody knows beforehand
            query = read_query(sql)
        if asks_catalog and query is not None:
            values = bind_values(text, parameters)
            answer = answer_question(query, values, tape.schema.known())
            if answer is not None:
                if tape.passage is not None:
                    tape.passage.inspected = True
                self._is_assumed = not answer.is_sure
                self._give(answer.rows, query)
                return
        self._is_assumed = self._is_about_rows = True
        self._give([], query)
        names = [column[0] for column in self.description or ()]
        types = self.types
        self._make_rows = lambda: self._open_rows(sql, query or read_query(sql), names, types)

    def _open_rows(
        self,
        sql: str,
        query: Query | None,
        names: Sequence[str],
        types: Sequence[TypeEngine[Any]],
    ) -> list[Row]:
        """Return the rows of an answer that only a database could give."""
        if query is None:
            return []
        if self.connection.tape.takes_row(self._span, sql):
            row = make_row(query, names, types)
        elif query.has_one_row:
            row = only_row(query, names, types)
            if row is not None and None in row and _demands_row():
                # who asks for a maximum in this way means to go on from it
                row = make_row(query, names, types)
        elif _demands_row():
            row = make_row(query, names, types)
        else:
            row = None
        return [] if row is None else [row]

    def _give(self, rows: list[Row], query: Query | None = None) -> None:
        self._rows = rows
        self.rowcount = len(rows)
        named = () if query is None else [output.name for output in query.outputs]
        names = self.columns or named or ("?column?",)
        self.description = [(name, None, None, None, None, None, None) for name in names]

    def _look(self) -> None:
        if not self._is_assumed:
            return
        tape = self.connection.tape
        tape.look(self._span, is_about_rows=self._is_about_rows)
        if self._make_rows is not None:
            self._rows, self._make_rows = self._make_rows(), None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.fetchall())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_RESULT_FILE = sqlalchemy_result.__file__
_DEMANDING = frozenset({"one", "scalar_one"})


def _demands_row() -> bool:
    """Return whether SQLAlchemy is asked for exactly one row, and raises when there is none."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the public ways build the whole stack
    while frame is not None:
        code = frame.f_code
        if code.co_filename == _RESULT_FILE and code.co_name in _DEMANDING:
            return True
        frame = frame.f_back
    return False


def _to_text(operation: object) -> str:
    if isinstance(operation, str):
        return operation
    if isinstance(operation, bytes):
        return operation.decode()
    compose = getattr(operation, "as_string", None)
    # psycopg.sql's objects are made into text by a connection, or by none
    return str(compose(None)) if callable(compose) else str(operation)


def split_sent(sql: str) -> list[str]:
    """Return the statements of a string that is sent at once, each without its semicolon."""
    text = sql.strip()
    if not text:
        return []
    head, semicolon, tail = text.partition(";")
    if not semicolon:
        return [text]
    if not tail.strip():
        return [head.rstrip()]
    return [statement.sql for statement in split_statements(text)] or [text]
