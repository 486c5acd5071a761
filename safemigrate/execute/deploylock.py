"""The deploy lock: one runner at a time on one database, or on each tenant's schema in it."""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from safemigrate.execute.control import act_as
from safemigrate.execute.failures import is_disconnect
from safemigrate.execute.lease import Lease, read_lease
from safemigrate.journal import LAYOUT, has_layout

__all__ = [
    "LockHolder",
    "deploy_lock_key",
    "find_holder",
    "find_runner",
    "has_deploy_lock",
    "try_deploy_lock",
]

# The first half of the key; "safe" in ASCII.
_NAMESPACE = int.from_bytes(b"safe", "big")

# The session says for which tenant's schema it is, where there is one for each.
_WHERE = text("SELECT current_database(), coalesce(current_setting('safemigrate.place', true), '')")


@dataclass(frozen=True, slots=True)
class LockHolder:
    """The session that holds the deploy lock.

    `since`: when it connected, which a runner does in order to take the lock. What the role may
    not see of other people's sessions is empty or None. `lease`: what it says of itself, None where
    that cannot be read.
    """

    pid: int
    user: str
    application: str
    client: str
    since: datetime | None
    lease: Lease | None = None


def deploy_lock_key(database: str, place: str = "") -> tuple[int, int]:
    """Return the two 32-bit halves of the advisory lock's key for a database of this name.

    `place`: the schema of one tenant in it, "" for the database as a whole.
    https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS
    """
    # no name has a zero byte
    checksum = zlib.crc32(f"{database}\0{place}".encode() if place else database.encode())
    # the server's integer has a sign
    return _NAMESPACE, checksum - 2**32 if checksum >= 2**31 else checksum


def try_deploy_lock(connection: Connection, role: str) -> bool:
    """Take the lock if it is free, and return whether it was.

    For a tenant's schema that is the schema's own, and the database's together with all the other
    tenants; the database's alone where `role`, "" for the login role, finds no journal of this
    layout, because the tenants have that in common, and only one can make it.

    It is held until the session ends. The waiting form, pg_advisory_lock, is never used: whoever
    waits in it holds a snapshot, on which CREATE INDEX CONCURRENTLY of the holder waits in turn.
    """
    database, place = connection.execute(_WHERE).one()
    key = _parameters(deploy_lock_key(database))
    if not place or not _has_journal(connection, role):
        return _ask(connection, "SELECT pg_try_advisory_lock(:namespace, :object)", key)
    if not _ask(connection, "SELECT pg_try_advisory_lock_shared(:namespace, :object)", key):
        return False
    own = _parameters(deploy_lock_key(database, place))
    if _ask(connection, "SELECT pg_try_advisory_lock(:namespace, :object)", own):
        return True
    _ask(connection, "SELECT pg_advisory_unlock_shared(:namespace, :object)", key)
    return False


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
        AND held.classid::bigint = :namespace AND (
            held.objid::bigint = :own
            OR held.objid::bigint = :whole AND held.mode = 'ExclusiveLock')
    ORDER BY session.backend_start, held.pid LIMIT 1
    """
)


def find_holder(connection: Connection) -> LockHolder | None:
    """Return who holds the lock, or None when it is free; the first of several tenants."""
    database, place = connection.execute(_WHERE).one()
    namespace, whole = deploy_lock_key(database)
    _, own = deploy_lock_key(database, place)
    # pg_locks shows both halves without their sign
    parameters = {"namespace": namespace, "own": own % 2**32, "whole": whole % 2**32}
    row = connection.execute(_HOLDER, parameters).mappings().first()
    if row is None:
        return None
    return LockHolder(row["pid"], row["user"], row["application"], row["client"], row["since"])


def find_runner(connection: Connection, role: str) -> LockHolder | None:
    """Return who holds the lock, with the lease, which `role` may read; "" for the login role."""
    holder = find_holder(connection)
    if holder is None:
        return None
    try:
        with act_as(connection, role):
            lease = read_lease(connection, holder.pid)
    except DBAPIError as err:
        if is_disconnect(err):
            raise
        # the lock is what counts, and whoever may not read the lease knows of that
        return holder
    return replace(holder, lease=lease) if _is_of(lease, holder) else holder


_HAS_LOCK = text(
    """
    SELECT EXISTS (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
            AND pid = pg_backend_pid() AND classid::bigint = :namespace
    )
    """
)


def has_deploy_lock(connection: Connection) -> bool:
    """Return whether this very session holds the lock, of whichever database it is in."""
    return bool(connection.execute(_HAS_LOCK, {"namespace": _NAMESPACE}).scalar_one())


def _is_of(lease: Lease | None, holder: LockHolder) -> bool:
    """Return whether the lease is of this very session, and not one that a crash has left."""
    if lease is None or lease.pid != holder.pid:
        return False
    return holder.since is None or holder.since == lease.backend_start


def _has_journal(connection: Connection, role: str) -> bool:
    try:
        with act_as(connection, role):
            return has_layout(connection, LAYOUT)
    except DBAPIError as err:
        if is_disconnect(err):
            raise
        # whoever may not read it is told so later
        return False


def _parameters(key: tuple[int, int]) -> dict[str, int]:
    namespace, one = key
    return {"namespace": namespace, "object": one}


def _ask(connection: Connection, question: str, parameters: dict[str, int]) -> bool:
    return bool(connection.execute(text(question), parameters).scalar_one())
