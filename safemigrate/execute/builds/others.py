"""Who else is there: those that a build will wait for, and those that work on its table."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Connection

from safemigrate.execute.blockers import Blocker, read_blocker
from safemigrate.model import LockMode

__all__ = ["Company", "find_holders", "find_workers"]

# A transaction that is younger is over before anybody has read of it.
_OLD_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Company:
    """Whom a statement waits for while it runs.

    `tables`: the oids of those it works on. `mode`: it waits for whoever holds a lock on them that
    conflicts with this mode. `has_snapshots`: and for every old snapshot in the database.
    https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
    """

    tables: tuple[int, ...]
    mode: LockMode
    has_snapshots: bool


# https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
# https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html
# An autovacuum has no user. What a parallel worker holds, its leader holds too.
_HOLDERS = text(
    """
    WITH held AS (
        SELECT DISTINCT l.pid, l.virtualtransaction
        FROM pg_locks AS l
        WHERE l.locktype = 'relation' AND l.granted
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND l.relation = ANY (CAST(:tables AS bigint[])::oid[])
            AND l.mode = ANY (CAST(:modes AS text[]))
    )
    SELECT s.pid, coalesce(s.usename::text, '') AS user,
        coalesce(s.application_name, '') AS application, coalesce(s.state, '') AS state,
        coalesce(s.backend_type, '') AS backend_type,
        extract(epoch FROM clock_timestamp() - coalesce(s.xact_start, s.query_start))::float AS age,
        coalesce(left(s.query, 1000), '') AS query, NULL::text AS gid,
        s.usesysid IS NULL AS has_no_user
    FROM pg_stat_activity AS s
    WHERE s.pid NOT IN (CAST(:own AS integer), pg_backend_pid()) AND s.leader_pid IS NULL
        AND (s.pid IN (SELECT pid FROM held)
            OR :has_snapshots AND s.datname = current_database() AND s.backend_xmin IS NOT NULL
                AND s.usesysid IS NOT NULL)
        AND coalesce(s.xact_start < clock_timestamp() - make_interval(secs => :old), true)
    UNION ALL
    SELECT 0, p.owner::text, '', '', '', extract(epoch FROM clock_timestamp() - p.prepared)::float,
        '', p.gid, false
    FROM pg_prepared_xacts AS p JOIN held ON held.pid IS NULL
        AND held.virtualtransaction = '-1/' || p.transaction::text
    ORDER BY age DESC NULLS LAST
    """
)


def find_holders(connection: Connection, company: Company, own: int) -> tuple[Blocker, ...]:
    """Return whom the statement would wait for if it began now, the oldest first.

    `own`: the pid of the session that will run it. Who runs for less than 100 ms is left out.
    """
    modes = [one.in_pg_locks for one in LockMode if one.conflicts_with(company.mode)]
    return tuple(
        blocker
        for blocker, _ in _find(
            connection,
            company.tables,
            modes,
            own,
            _OLD_SECONDS,
            has_snapshots=company.has_snapshots,
        )
    )


def find_workers(connection: Connection, tables: Sequence[int], own: int) -> tuple[Blocker, ...]:
    """Return who keeps others from maintaining the tables, but for autovacuum, which gives way.

    PostgreSQL ends an autovacuum for those who wait longer than deadlock_timeout, which is why it
    is better waited for in the queue. Two builds that wait for one another end in a deadlock.
    https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
    """
    wanted = LockMode.SHARE_UPDATE_EXCLUSIVE
    modes = [one.in_pg_locks for one in LockMode if one.conflicts_with(wanted)]
    return tuple(
        blocker
        for blocker, has_no_user in _find(connection, tables, modes, own, 0, has_snapshots=False)
        if not has_no_user
    )


def _find(
    connection: Connection,
    tables: Sequence[int],
    modes: Sequence[str],
    own: int,
    old: float,
    *,
    has_snapshots: bool,
) -> list[tuple[Blocker, bool]]:
    rows = connection.execute(
        _HOLDERS,
        {
            "tables": list(tables),
            "modes": list(modes),
            "own": own,
            "has_snapshots": has_snapshots,
            "old": float(old),
        },
    ).mappings()
    return [
        (
            read_blocker(row, f'prepared transaction "{row["gid"]}"' if row["gid"] else ""),
            row["has_no_user"],
        )
        for row in rows
    ]
