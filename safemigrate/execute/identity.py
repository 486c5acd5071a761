"""Which of the server's processes a session is; asked once for each of the driver's connections."""

from dataclasses import dataclass

from sqlalchemy.engine import Connection

__all__ = ["SessionIdentity", "identify"]

_KEY = "safemigrate_identity"
# What the driver says for itself would be the number that a pooler has given it.
_WHO = (
    "SELECT pid, backend_start::text FROM pg_catalog.pg_stat_activity"
    " WHERE pid = pg_catalog.pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class SessionIdentity:
    """The server's process and, because numbers are used again, when it began."""

    pid: int
    backend_start: str


def identify(connection: Connection) -> SessionIdentity:
    """Return whose session it is, without a word to SQLAlchemy; raises what the driver raises."""
    # SQLAlchemy throws the dictionary away with the connection that it is about
    known = connection.info.get(_KEY)
    if isinstance(known, SessionIdentity):
        return known
    cursor = connection.connection.cursor()
    try:
        cursor.execute(_WHO)
        pid, backend_start = cursor.fetchone() or (0, "")
    finally:
        cursor.close()
    found = SessionIdentity(int(pid), str(backend_start))
    connection.info[_KEY] = found
    return found
