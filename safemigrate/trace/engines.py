"""The statements that SQLAlchemy sends on one connection, while a migration runs."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, ExceptionContext

from safemigrate.source.dbapi import split_sent
from safemigrate.trace.commands import is_catalog_read
from safemigrate.trace.faults import describe_fault
from safemigrate.trace.sessions import DriverSession
from safemigrate.trace.tracer import Tracer

__all__ = ["observe_connection"]

_PLACEHOLDER = re.compile(r"%(?:%|s|\((?P<name>[^)]*)\)s)")


@contextmanager
def observe_connection(
    tracer: Tracer, connection: Connection, *, path: Path | None = None, shown: str = ""
) -> Iterator[None]:
    """Observe every statement on `connection` for the time of the block, but catalog queries.

    The tracer has begun a revision. `path`: the file whose calls send the statements; `shown`: how
    the user knows it. What SQLAlchemy's reflection reads is nobody's statement and is left out.
    """
    observation = _Observation(tracer, connection, path, shown)
    listeners = (
        (connection, "before_cursor_execute", observation.before),
        (connection, "after_cursor_execute", observation.after),
        (connection.engine, "handle_error", observation.fail),
    )
    for target, name, function in listeners:
        event.listen(target, name, function)
    try:
        yield
    finally:
        for target, name, function in listeners:
            event.remove(target, name, function)


class _Observation:
    def __init__(
        self, tracer: Tracer, connection: Connection, path: Path | None, shown: str
    ) -> None:
        self._tracer = tracer
        self._connection = connection
        self._files = set() if path is None else {str(path), str(path.resolve())}
        self._shown = shown

    def before(  # noqa: PLR0917 - the event's signature
        self,
        connection: Connection,
        cursor: object,
        statement: str,
        parameters: object,
        context: object,
        executemany: bool,  # noqa: FBT001 - the event's signature
    ) -> None:
        del cursor, parameters, context, executemany
        sql = _trim(_number_parameters(statement, connection.dialect.paramstyle))
        if not is_catalog_read(sql):
            session = _session(connection)
            self._tracer.before(session, sql, path=self._shown, line=self._find_line())

    def after(self, connection: Connection, *details: Any) -> None:
        del details
        if self._tracer.has_pending:
            self._tracer.after(_session(connection))

    def fail(self, context: ExceptionContext) -> None:
        if context.connection is self._connection and self._tracer.has_pending:
            error = context.original_exception
            said = describe_fault(error)
            self._tracer.after(_session(self._connection), error=said)

    def _find_line(self) -> int:
        """Return the line of the innermost call in the file, 1 when there is none."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - inspect.stack() would read files
        while frame is not None:
            if frame.f_code.co_filename in self._files:
                return frame.f_lineno
            frame = frame.f_back
        return 1


def _session(connection: Connection) -> DriverSession:
    return DriverSession(connection.connection.dbapi_connection)


def _trim(sql: str) -> str:
    """Return a statement as the recording has it; several sent at once stay together."""
    statements = split_sent(sql)
    return statements[0] if len(statements) == 1 else sql.strip()


def _number_parameters(sql: str, style: str) -> str:
    """Write the driver's placeholders as `$1`, `$2`, …, the way PostgreSQL does."""
    if style not in {"format", "pyformat"}:
        return sql
    numbers: dict[str, int] = {}

    def replace(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        name = match["name"] or f"%{len(numbers)}"
        return f"${numbers.setdefault(name, len(numbers) + 1)}"

    return _PLACEHOLDER.sub(replace, sql)
