"""The look: who holds, at this moment, what a statement wants."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Connection, RowMapping

from safemigrate.execute.blockers import Blocker, read_blocker
from safemigrate.execute.locks.wants import Want
from safemigrate.model import LockMode, QualifiedName

__all__ = ["Sighting", "is_backup", "look_at"]

# The name of the mode in pg_locks, by the mode.
# A request that waits counts like a lock that is held: NOWAIT fails for both, and one in the queue
# goes first. What a parallel worker holds, its leader holds too. A vacuum against wraparound is
# known by the age of the table's oldest transaction, so that it is seen without a right to read
# the activity of others. Who may not see those has no time of them either. What rewrites or drops
# a table wants its TOAST table too, which an autovacuum may have to itself. A prepared transaction
# has the number of the session that it was begun in, until the server is started again, and is
# known by the lock that every transaction has on its own id.
# https://www.postgresql.org/docs/current/view-pg-locks.html
# https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
_LOOK = text(
    """
    SELECT place.nspname::text AS schema, relation.relname::text AS name,
        relation.oid::regclass::text AS shown, held.mode AS mode,
        held.granted AS granted, held.virtualtransaction AS transaction,
        coalesce(held.pid, 0) AS pid,
        coalesce(session.usename::text, prepared.owner::text, '') AS user,
        coalesce(session.application_name, '') AS application,
        coalesce(session.state, '') AS state,
        coalesce(session.backend_type, '') AS backend_type,
        extract(epoch FROM clock_timestamp()
            - coalesce(session.xact_start, prepared.prepared))::float AS age,
        coalesce(left(session.query, 1000), '') AS query,
        prepared.gid AS gid,
        held.relation <> relation.oid AS is_toast,
        held.pid IS NOT NULL AND session.usesysid IS NULL
            AND held.mode = 'ShareUpdateExclusiveLock' AS is_vacuum,
        stored.relfrozenxid <> '0' AND (
            age(stored.relfrozenxid) > least(
                current_setting('autovacuum_freeze_max_age')::bigint, (
                    SELECT option_value::bigint FROM pg_options_to_table(stored.reloptions)
                    WHERE option_name = 'autovacuum_freeze_max_age'))
            OR mxid_age(stored.relminmxid) > least(
                current_setting('autovacuum_multixact_freeze_max_age')::bigint, (
                    SELECT option_value::bigint FROM pg_options_to_table(stored.reloptions)
                    WHERE option_name = 'autovacuum_multixact_freeze_max_age'))
        ) AS is_old
    FROM jsonb_to_recordset(CAST(:wanted AS jsonb)) AS wanted (schema text, name text, modes jsonb)
    JOIN pg_namespace AS place ON place.nspname = wanted.schema
    JOIN pg_class AS relation
        ON relation.relnamespace = place.oid AND relation.relname = wanted.name
    JOIN pg_class AS stored ON stored.oid IN (relation.oid, relation.reltoastrelid)
    JOIN pg_locks AS held ON held.locktype = 'relation' AND held.relation = stored.oid
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND jsonb_exists(wanted.modes, held.mode)
        AND (held.pid IS NULL OR held.pid <> :pid)
    LEFT JOIN pg_stat_activity AS session ON session.pid = held.pid
    LEFT JOIN pg_prepared_xacts AS prepared ON held.pid IS NULL AND EXISTS (
        SELECT FROM pg_locks AS own WHERE own.pid IS NULL AND own.locktype = 'transactionid'
            AND own.virtualtransaction = held.virtualtransaction
            AND own.transactionid = prepared.transaction)
    WHERE session.leader_pid IS NULL OR session.leader_pid = session.pid
    ORDER BY 1, 2, held.granted DESC, age DESC NULLS LAST, held.pid
    """
)


_BACKUPS = frozenset({"pg_dump", "pg_dumpall", "pg_basebackup"})


@dataclass(frozen=True, slots=True)
class Sighting:
    """A lock that another transaction holds, or waits for, and that is in the way of a want.

    `shown`: the relation as PostgreSQL prints it, with the schema where it must be said.
    `transaction`: what tells its transaction from every other, while it lasts.
    `is_vacuum`: it is autovacuum's. `is_toast`: it is on the relation's TOAST table.
    `is_untouchable`: a vacuum against wraparound, a backup or replication, none of which is ever
    ended.
    """

    relation: QualifiedName
    shown: str
    mode: LockMode
    is_granted: bool
    transaction: str
    holder: Blocker
    is_vacuum: bool
    is_toast: bool
    is_untouchable: bool


def look_at(connection: Connection, wants: Sequence[Want], pid: int) -> tuple[Sighting, ...]:
    """Return what is in the way of the session with this pid, the oldest first."""
    wanted = [
        {
            "schema": want.relation.schema,
            "name": want.relation.name,
            "modes": [mode.in_pg_locks for mode in LockMode if want.mode.conflicts_with(mode)],
        }
        for want in wants
    ]
    rows = connection.execute(_LOOK, {"wanted": json.dumps(wanted), "pid": pid}).mappings()
    return tuple(_decode(row) for row in rows)


def is_backup(application: str) -> bool:
    """Return whether a session of this application_name makes a backup."""
    return application in _BACKUPS


def _decode(row: RowMapping) -> Sighting:
    is_vacuum = row["backend_type"] == "autovacuum worker" or (
        row["is_vacuum"] and not row["backend_type"]
    )
    nature = _name_nature(row, is_vacuum=is_vacuum)
    return Sighting(
        relation=QualifiedName(row["schema"], row["name"]),
        shown=row["shown"],
        mode=LockMode.from_pg_locks(row["mode"]),
        is_granted=row["granted"],
        transaction=row["transaction"],
        holder=read_blocker(row, nature),
        is_vacuum=is_vacuum,
        is_toast=row["is_toast"],
        is_untouchable=bool(nature),
    )


def _name_nature(row: RowMapping, *, is_vacuum: bool) -> str:
    """Return what it is that is never ended, "" for anything else."""
    if is_vacuum and row["is_old"]:
        return "vacuum against wraparound"
    if row["backend_type"] == "walsender" or row["backend_type"].startswith("logical replication"):
        return "replication"
    if row["gid"] is not None:
        return f'prepared transaction "{row["gid"]}"'
    return "backup" if is_backup(row["application"]) else ""
