"""Who stands in the way of a session that waits for a lock."""

import re
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.engine import Connection, RowMapping

from safemigrate.model import QualifiedName
from safemigrate.model.secrets import hide_sql_passwords

__all__ = ["Blocker", "LockWait", "look_for_wait", "read_blocker", "shorten_query"]

_LONGEST_QUERY = 80


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds, or is ahead in the queue for, what another one wants.

    `pid` is 0 for a prepared transaction, which no session has any more. `age`: how long its
    transaction has been open. `query`: the first 80 characters of what it runs or ran last.
    `nature`: what it is that is never ended for a lock, such as a backup; "" for anything else.
    What the role may not see of other people's sessions is empty or None.
    """

    pid: int
    user: str
    application: str
    state: str
    backend_type: str
    age: timedelta | None
    query: str
    nature: str = ""

    @property
    def is_autovacuum(self) -> bool:
        """Whether it is a worker of autovacuum."""
        return self.backend_type == "autovacuum worker"


@dataclass(frozen=True, slots=True)
class LockWait:
    """What a session waits for, and for whom.

    `relation`: as PostgreSQL prints it, with the schema where it must be said; None when it
    waits for a row or for other transactions. `mode`: as in the manual, such as ACCESS EXCLUSIVE.
    `name`: the relation's with its schema, where it is known.
    """

    relation: str | None
    mode: str | None
    blockers: tuple[Blocker, ...]
    name: QualifiedName | None = None


# Both views: https://www.postgresql.org/docs/current/view-pg-locks.html and
# https://www.postgresql.org/docs/current/functions-info.html (pg_blocking_pids)
_WAITS_FOR = text(
    """
    SELECT waiting.relation::regclass::text AS relation, waiting.mode AS mode,
        place.nspname::text AS schema, relation.relname::text AS name
    FROM pg_locks AS waiting LEFT JOIN pg_class AS relation ON relation.oid = waiting.relation
        LEFT JOIN pg_namespace AS place ON place.oid = relation.relnamespace
    WHERE waiting.pid = :pid AND NOT waiting.granted
    ORDER BY waiting.locktype <> 'relation' LIMIT 1
    """
)
_BLOCKERS = text(
    """
    SELECT DISTINCT blocking.pid AS pid,
        coalesce(session.usename, '') AS user,
        coalesce(session.application_name, '') AS application,
        coalesce(session.state, '') AS state,
        coalesce(session.backend_type, '') AS backend_type,
        extract(epoch FROM clock_timestamp()
            - coalesce(session.xact_start, session.query_start))::float AS age,
        coalesce(left(session.query, 1000), '') AS query
    FROM unnest(pg_blocking_pids(:pid)) AS blocking (pid)
    LEFT JOIN pg_stat_activity AS session ON session.pid = blocking.pid
    ORDER BY blocking.pid
    """
)


def look_for_wait(connection: Connection, pid: int) -> LockWait | None:
    """Return what the session `pid` waits for at this moment, or None when it does not wait."""
    wanted = connection.execute(_WAITS_FOR, {"pid": pid}).mappings().one_or_none()
    if wanted is None:
        return None
    rows = connection.execute(_BLOCKERS, {"pid": pid}).mappings()
    blockers = tuple(read_blocker(row) for row in rows)
    if not blockers:
        return None
    schema, bare = wanted["schema"], wanted["name"]
    name = None if bare is None else QualifiedName(schema, bare)
    return LockWait(wanted["relation"], _spell_mode(wanted["mode"]), blockers, name)


def shorten_query(query: str) -> str:
    """Return the first 80 characters on one line, without the text of a password."""
    query = " ".join(hide_sql_passwords(query).split())
    return query if len(query) <= _LONGEST_QUERY else query[: _LONGEST_QUERY - 1] + "…"


def read_blocker(row: RowMapping, nature: str = "") -> Blocker:
    """Return the session that a row with the columns of its fields describes."""
    age = row["age"]
    return Blocker(
        pid=row["pid"],
        user=row["user"],
        application=row["application"],
        state=row["state"],
        backend_type=row["backend_type"],
        age=None if age is None else timedelta(seconds=max(age, 0.0)),
        query=shorten_query(row["query"]),
        nature=nature,
    )


def _spell_mode(mode: str) -> str:
    """Return `ACCESS EXCLUSIVE` for the view's `AccessExclusiveLock`."""
    words = re.findall(r"[A-Z][a-z]+", mode.removesuffix("Lock"))
    return " ".join(words).upper()
