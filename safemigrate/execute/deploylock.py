"""The deploy lock: one runner at a time on one database."""

import zlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection

__all__ = ["LockHolder", "deploy_lock_key", "find_holder", "has_deploy_lock", "try_deploy_lock"]

# The first half of the key; "safe" in ASCII.
_NAMESPACE = int.from_bytes(b"safe", "big")


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The session that holds the deploy lock.

    `since`: when it connected, which a runner does in order to take the lock. What the role may
    not see of other people's sessions is empty or None.
    """

    pid: int
    user: str
    application: str
    client: str
    since: datetime | None


def deploy_lock_key(database: str) -> tuple[int, int]:
    """Return the two 32-bit halves of the advisory lock's key for a database of this name.

    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """
    checksum = zlib.crc32(database.encode())
    # the server's integer has a sign
    return _NAMESPACE, checksum - 2**32 if checksum >= 2**31 else checksum


def try_deploy_lock(connection: Connection) -> bool:
    """Take the lock if it is free, and return whether it was.

    It is held until the session ends. The waiting form, pg_advisory_lock, is never used: whoever
    waits in it holds a snapshot, on which CREATE INDEX CONCURRENTLY of the holder waits in turn.
    """
    statement = text("SELECT pg_try_advisory_lock(:namespace, :database)")
    return bool(connection.execute(statement, _parameters(connection)).scalar_one())


_HOLDER = text(
    """
    SELECT held.pid AS pid,
        coalesce(session.usename, '') AS user,
        coalesce(session.application_name, '') AS application,
        coalesce(host(session.client_addr), '') AS client,
        session.backend_start AS since
    FROM pg_locks AS held LEFT JOIN pg_stat_activity AS session ON session.pid = held.pid
    WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 2
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND held.classid::bigint = :namespace AND held.objid::bigint = :database
    """
)


def find_holder(connection: Connection) -> LockHolder | None:
    """Return who holds the lock, or None when it is free."""
    namespace, database = deploy_lock_key(_database(connection))
    # pg_locks shows both halves without their sign
    parameters = {"namespace": namespace, "database": database % 2**32}
    row = connection.execute(_HOLDER, parameters).mappings().first()
    if row is None:
        return None
    return LockHolder(row["pid"], row["user"], row["application"], row["client"], row["since"])


def has_deploy_lock(connection: Connection) -> bool:
    """Return whether this very session holds the lock."""
    holder = find_holder(connection)
    return holder is not None and holder.pid == _pid(connection)


def _parameters(connection: Connection) -> dict[str, int]:
    namespace, database = deploy_lock_key(_database(connection))
    return {"namespace": namespace, "database": database}


def _database(connection: Connection) -> str:
    return str(connection.execute(text("SELECT current_database()")).scalar_one())


def _pid(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
