"""Every statement of a run, seen just before the driver gets it."""

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy.engine import Engine

from safemigrate.model.secrets import quote_sql
from safemigrate.source.connecting import listening
from safemigrate.trace.commands import is_catalog_read, is_transaction_end, is_transaction_start
from safemigrate.trace.sessions import DriverSession, TransactionState
from safemigrate.verify.bench import Move

__all__ = ["Sending", "SentStatement", "StatementWatch", "has_savepoints", "is_one_transaction"]

_TITLE_WIDTH = 60


@dataclass(frozen=True, slots=True)
class SentStatement:
    """A statement that a run has sent, or was about to send.

    `position`: 1-based, within the run. `line`: 1-based, of the call in the revision's file; 0 for
    what Alembic sends itself, which is the row in the version table.
    `turn`: 1-based, among those of the same line; of line 0, among those of the same text.
    `session`: which of the run's sessions it is, from 0. `is_autocommit`: nothing rolls it back.
    `is_open`: it goes into a transaction that has begun before it.
    """

    position: int
    sql: str
    line: int
    turn: int
    session: int
    is_autocommit: bool
    is_open: bool

    @property
    def is_read(self) -> bool:
        """Whether it only asks what there is, as SQLAlchemy's reflection does."""
        return is_catalog_read(self.sql)

    @property
    def place(self) -> tuple[tuple[int, str], int]:
        """Where it stands, also in a run where others send statements of their own."""
        return _place(self.line, self.sql), self.turn

    @property
    def title(self) -> str:
        """What a reader knows it by."""
        text = quote_sql(self.sql, _TITLE_WIDTH)
        return f"line {self.line} ({text})" if self.line else f"the version table's row ({text})"


@dataclass(frozen=True, slots=True)
class Sending:
    """A statement that waits to be given to the driver.

    `send` gives it, or another text with the same parameters, and raises what the driver raises.
    `session`: the one it goes to. `spared`: the server's processes that serve the run beside it.
    """

    statement: SentStatement
    session: DriverSession
    send: Callable[[str], object]
    spared: tuple[int, ...] = ()


class StatementWatch:
    """Sees the statements of one revision, on every engine, whoever made it.

    What goes past SQLAlchemy, on a cursor of the driver's, is not seen: it is one with what comes
    after it. `sent`: what was seen so far. Give `attend` to `Bench.run`.
    """

    def __init__(
        self, path: str, on_statement: Callable[[Sending], bool] = lambda _: False
    ) -> None:
        """`path`: the revision's file. `on_statement` returns whether it took the statement."""
        self.sent: list[SentStatement] = []
        self._files = {path, str(Path(path).resolve())}
        self._on_statement = on_statement
        self._is_attending = False
        self._turns: Counter[tuple[int, str]] = Counter()
        # kept, so that no later session has the id of one that is gone
        self._sessions: list[object] = []

    def attend(self, move: Move | None) -> None:
        """Begin where the first revision is about to, and end where one is committed."""
        self._is_attending = move is None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch for as long as the block runs."""
        with (
            listening(Engine, "do_execute", self._execute),
            listening(Engine, "do_executemany", self._execute_many),
            listening(Engine, "do_execute_no_params", self._execute_no_params),
        ):
            yield

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        return self._note(statement, context, lambda text: cursor.execute(text, parameters))

    def _execute_many(self, cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
        return self._note(statement, context, lambda text: cursor.executemany(text, parameters))

    def _execute_no_params(self, cursor: Any, statement: str, context: Any) -> bool:
        return self._note(statement, context, cursor.execute)

    def _note(self, sql: str, context: Any, send: Callable[[str], object]) -> bool:
        if not self._is_attending:
            return False
        connection = context.root_connection.connection.dbapi_connection
        session = DriverSession(connection)
        line = self._find_line()
        self._turns[_place(line, sql)] += 1
        statement = SentStatement(
            len(self.sent) + 1,
            sql,
            line,
            self._turns[_place(line, sql)],
            self._number(connection),
            session.is_autocommit,
            session.state is not TransactionState.IDLE,
        )
        self.sent.append(statement)
        return self._on_statement(Sending(statement, session, send))

    def _number(self, connection: object) -> int:
        for number, known in enumerate(self._sessions):
            if known is connection:
                return number
        self._sessions.append(connection)
        return len(self._sessions) - 1

    def _find_line(self) -> int:
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - inspect.stack() would read files
        while frame is not None:
            if frame.f_code.co_filename in self._files:
                return frame.f_lineno
            frame = frame.f_back
        return 0


def _place(line: int, sql: str) -> tuple[int, str]:
    # a text can have a moment in it, and be another one in the next run
    return (line, "") if line else (0, sql)


def is_one_transaction(sent: Iterable[SentStatement]) -> bool:
    """Return whether all statements went into one transaction of one session.

    PostgreSQL then rolls all of them back when the session ends before its COMMIT.
    """
    return all(
        one.session == 0
        and not one.is_autocommit
        and (one.is_open or one.position == 1)
        and not is_transaction_end(one.sql)
        and not is_transaction_start(one.sql)
        for one in sent
    )


def has_savepoints(sent: Iterable[SentStatement]) -> bool:
    """Return whether the revision can go on behind an error without ending its transaction."""
    return any(one.sql.lstrip().upper().startswith("SAVEPOINT") for one in sent)
