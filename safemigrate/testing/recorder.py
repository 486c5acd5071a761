"""What SQLAlchemy sends to PostgreSQL, heard from its events."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExecutionContext

__all__ = ["Queries", "Query", "not_recording", "recording"]

Parameters = Mapping[str, Any] | Sequence[Any]


@dataclass(frozen=True, slots=True)
class Query:
    """One statement that was sent, in the style of its driver.

    `parameters`: what came with it, as the driver gets it; one for each time it was sent, where
    the driver sends it several times in one go. `style`: SQLAlchemy's name for how parameters are
    written.
    """

    sql: str
    parameters: tuple[Parameters, ...]
    style: str


@dataclass(slots=True)
class Queries:
    """The statements that were sent, in order; what migrations send is not among them."""

    sent: list[Query] = field(default_factory=list)

    @property
    def statements(self) -> list[str]:
        """The text of each."""
        return [one.sql for one in self.sent]

    def __len__(self) -> int:
        return len(self.sent)

    def __iter__(self) -> Iterator[Query]:
        return iter(self.sent)

    def clear(self) -> None:
        """Forget what was sent so far."""
        self.sent.clear()


_is_paused = False


@contextmanager
def recording() -> Iterator[Queries]:
    """Yield what every engine sends to PostgreSQL until the end, whichever thread it is in."""
    queries = Queries()

    def note(
        connection: Connection,
        _cursor: object,
        statement: str,
        parameters: Any,
        _context: ExecutionContext | None,
        is_many: bool,  # noqa: FBT001 - SQLAlchemy's signature
    ) -> None:
        if _is_paused or connection.dialect.name != "postgresql" or _is_migrating():
            return
        sent = tuple(parameters) if is_many else (parameters,)
        queries.sent.append(Query(statement, sent, connection.dialect.paramstyle))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield queries
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@contextmanager
def not_recording() -> Iterator[None]:
    """Let nothing be recorded meanwhile: it is ours, and not the application's."""
    global _is_paused  # noqa: PLW0603 - of the process, as SQLAlchemy's events are
    before, _is_paused = _is_paused, True
    try:
        yield
    finally:
        _is_paused = before


def _is_migrating() -> bool:
    """Return whether Alembic runs the project's env.py, whose statements are the migrations'."""
    context = sys.modules.get("alembic.context")
    return getattr(context, "_proxy", None) is not None
