"""The way of each statement of a revision to the server."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from safemigrate.execute.blockers import Blocker
from safemigrate.plan import Foreseen

__all__ = ["Sent", "StatementEffort"]


@dataclass(slots=True)
class StatementEffort:
    """What it took to get a statement through; added to by whoever takes it there.

    `attempts`: how often it was tried. `waited`: the seconds spent beside the queue, waiting for a
    table to be free. `stalled`: the seconds for which others may have had to wait for it.
    `blockers`: whom it waited for, each once.
    """

    attempts: int = 1
    waited: float = 0.0
    stalled: float = 0.0
    blockers: tuple[Blocker, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """A text that SQLAlchemy is about to give to the driver; it may hold several statements.

    `sql`: with `$1` for bound values; `raw`: as the driver gets it. `parameters`: the driver's.
    `is_autocommit`: the connection commits every statement by itself.
    `send`: gives it to the driver, and raises what the driver raises, which is not yet SQLAlchemy's
    `DBAPIError`; it may be called again after a rollback to a savepoint.
    `foreseen`: None for what is not a revision's own.
    `pretend`: instead of sending it, let SQLAlchemy go on as if it had changed so many rows, -1
    where that is not known.
    """

    connection: Connection
    cursor: Any
    sql: str
    raw: str
    parameters: Any
    is_autocommit: bool
    foreseen: Foreseen | None
    send: Callable[[], object]
    effort: StatementEffort = field(default_factory=StatementEffort)
    pretend: Callable[[int], None] = lambda row_count: None  # noqa: ARG005 - where SQLAlchemy waits for nothing

    def run(self, statement: str) -> None:
        """Send a statement of our own on the same session, without a word to SQLAlchemy."""
        cursor = self.connection.connection.cursor()
        try:
            cursor.execute(statement)
        finally:
            cursor.close()
