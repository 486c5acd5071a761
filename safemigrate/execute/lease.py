"""The lease: what the runner that holds the deploy lock says of itself, in a table.

The lock itself is the server's, and is gone with the session that took it. The lease only tells who
that is and what it does. It counts for as long as the session lives that wrote it, and one that a
crash has left behind is written over by the next runner.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection

from safemigrate.journal import find_host, find_os_user, find_package_version

__all__ = [
    "Lease",
    "Tenant",
    "find_tenant",
    "read_lease",
    "read_newest_lease",
    "remove_lease",
    "write_lease",
]

# There is one for each tenant's schema, where there is one for each.
_NAME = "'deploy' || coalesce(':' || nullif(current_setting('safemigrate.place', true), ''), '')"


@dataclass(frozen=True, slots=True)
class Lease:
    """A row of the table; the times are the server's.

    `pid` and `backend_start`: which session holds the deploy lock. `doing`: in words, such as
    `revision 3 of 7: ab12 add index`. `since`: when the lock was taken. `renewed_at`: when the
    runner was last heard of.
    """

    pid: int
    backend_start: datetime
    host: str
    os_user: str
    application: str
    version: str
    doing: str
    since: datetime
    renewed_at: datetime


@dataclass(frozen=True, slots=True)
class Tenant:
    """The session that holds the deploy lock, and writes the lease."""

    pid: int
    backend_start: datetime
    application: str


_TENANT = text(
    """
    SELECT pid, backend_start, application_name AS application
    FROM pg_stat_activity WHERE pid = pg_backend_pid()
    """
)

_IS_THERE = text("SELECT to_regclass('safemigrate.lease') IS NOT NULL")

_WRITE = text(
    f"""
    INSERT INTO safemigrate.lease AS held (
        name, pid, backend_start, host, os_user, application, version, doing, since, renewed_at
    ) VALUES (
        {_NAME}, CAST(:pid AS integer),
        CAST(:backend_start AS timestamp with time zone), CAST(:host AS text),
        CAST(:os_user AS text), CAST(:application AS text), CAST(:version AS text),
        CAST(:doing AS text), clock_timestamp(), clock_timestamp()
    )
    ON CONFLICT (name) DO UPDATE SET
        pid = excluded.pid, backend_start = excluded.backend_start, host = excluded.host,
        os_user = excluded.os_user, application = excluded.application,
        version = excluded.version, doing = excluded.doing, renewed_at = excluded.renewed_at,
        since = CASE
            WHEN (held.pid, held.backend_start) = (excluded.pid, excluded.backend_start)
            THEN held.since ELSE excluded.since
        END
    """  # noqa: S608 - a constant
)

_REMOVE = text(
    """
    DELETE FROM safemigrate.lease
    WHERE pid = CAST(:pid AS integer)
        AND backend_start = CAST(:backend_start AS timestamp with time zone)
    """
)

_IS_READABLE = text(
    "SELECT coalesce(has_table_privilege(to_regclass('safemigrate.lease')::oid, 'SELECT'), false)"
)

_READ_NEWEST = text(
    f"""
    SELECT pid, backend_start, host, os_user, application, version, doing, since, renewed_at
    FROM safemigrate.lease WHERE name = {_NAME}
    """  # noqa: S608 - a constant
)

_READ = text(
    """
    SELECT pid, backend_start, host, os_user, application, version, doing, since, renewed_at
    FROM safemigrate.lease WHERE pid = CAST(:pid AS integer)
    ORDER BY backend_start DESC LIMIT 1
    """
)


def find_tenant(connection: Connection) -> Tenant:
    """Return what the lease says of this very session; not to be asked in another role.

    https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
    """
    row = connection.execute(_TENANT).mappings().one()
    return Tenant(row["pid"], row["backend_start"], row["application"])


def write_lease(connection: Connection, tenant: Tenant, doing: str) -> bool:
    """Write or renew the lease, and return whether there is a table for it."""
    if not connection.execute(_IS_THERE).scalar_one():
        return False
    parameters = {
        "pid": tenant.pid,
        "backend_start": tenant.backend_start,
        "host": find_host(),
        "os_user": find_os_user(),
        "application": tenant.application,
        "version": find_package_version(),
        "doing": doing,
    }
    connection.execute(_WRITE, parameters)
    return True


def remove_lease(connection: Connection, tenant: Tenant) -> None:
    """Take the lease away where it is this session's."""
    if connection.execute(_IS_THERE).scalar_one():
        parameters = {"pid": tenant.pid, "backend_start": tenant.backend_start}
        connection.execute(_REMOVE, parameters)


def read_lease(connection: Connection, pid: int) -> Lease | None:
    """Return the newest lease of a session with this pid, be it alive or not; None for none."""
    if not connection.execute(_IS_THERE).scalar_one():
        return None
    row = connection.execute(_READ, {"pid": pid}).mappings().one_or_none()
    return None if row is None else Lease(**row)


def read_newest_lease(connection: Connection) -> Lease | None:
    """Return what the last runner said of itself, be it alive or not.

    None where it has come to its end, and where the role may not read it.
    """
    if not connection.execute(_IS_READABLE).scalar_one():
        return None
    row = connection.execute(_READ_NEWEST).mappings().one_or_none()
    return None if row is None else Lease(**row)
