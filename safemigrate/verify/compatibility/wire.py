"""A session that prepares and executes statements as a driver does, through libpq itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

from safemigrate.errors import DatabaseError
from safemigrate.trace import Connection

__all__ = ["Described", "Fault", "Outcome", "WireSession"]

_FAILED = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})


@dataclass(frozen=True, slots=True)
class Fault:
    """What the server has against a statement."""

    sqlstate: str
    message: str

    def __str__(self) -> str:
        return f"{self.sqlstate}: {self.message}"


Outcome = Fault | int
"""How an execution ended: why it was refused, or how many rows it wrote or came back with."""


@dataclass(frozen=True, slots=True)
class Described:
    """What the server says of a prepared statement: types by oid, and the result's columns."""

    parameters: tuple[int, ...]
    columns: tuple[tuple[str, int], ...]


class WireSession:
    """Sends what psycopg has no words for; `connection` is in autocommit mode.

    Every method raises DatabaseError when the connection is lost.
    """

    def __init__(self, connection: Connection) -> None:
        self._libpq = connection.pgconn

    def run(self, command: str) -> Fault | None:
        """Send one command; return why it was refused, or None."""
        return _read_fault(self._libpq.exec_(command.encode()))

    def prepare(self, name: str, statement: str, types: Sequence[int] = ()) -> Described | Fault:
        """Prepare a statement; `types`: of its parameters by oid, 0 where the server is to tell."""
        prepared = self._libpq.prepare(name.encode(), statement.encode(), types or None)
        fault = _read_fault(prepared)
        if fault is not None:
            return fault
        described = self._libpq.describe_prepared(name.encode())
        fault = _read_fault(described)
        if fault is not None:
            return fault
        return Described(
            tuple(described.param_type(n) for n in range(described.nparams)),
            tuple(
                ((described.fname(n) or b"").decode(), described.ftype(n))
                for n in range(described.nfields)
            ),
        )

    def execute(self, name: str, values: Sequence[str | None]) -> Outcome:
        """Execute a prepared statement; return why it was refused, or how many rows it is about."""
        sent = [None if value is None else value.encode() for value in values]
        # psycopg's protocol forgets that a value may be NULL
        result = self._libpq.exec_prepared(name.encode(), sent)  # type: ignore[arg-type]
        fault = _read_fault(result)
        return (result.command_tuples or 0) if fault is None else fault


def _read_fault(result: PGresult) -> Fault | None:
    if ExecStatus(result.status) not in _FAILED:
        return None
    sqlstate = result.error_field(DiagnosticField.SQLSTATE)
    if sqlstate is None:
        raise DatabaseError(
            "the connection to the throwaway server was lost", "look into the server's log"
        )
    message = result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b""
    return Fault(sqlstate.decode(), " ".join(message.decode(errors="replace").split()))
