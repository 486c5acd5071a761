"""The statements of a revision that were done, each written with what it did."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import text
from sqlalchemy.engine import Connection, RowMapping

from safemigrate.journal.driving import send_unseen
from safemigrate.journal.durations import count_milliseconds
from safemigrate.journal.layout import has_layout
from safemigrate.model import Direction
from safemigrate.model.secrets import hide_sql_passwords

__all__ = [
    "RECORD",
    "DoneStatement",
    "Run",
    "StatementRow",
    "StatementState",
    "encode_done",
    "finish_statement",
    "is_session_alive",
    "read_progress",
    "read_progress_of",
    "read_since",
    "read_unfinished",
    "retire",
    "write_statements",
]

_LONGEST_SQL = 1000
_LAYOUT = 2


class StatementState(Enum):
    """What is known of a statement.

    `BEGUN`: it ran outside of a transaction, and is not known to have ended. `RESOLVED`: it counts
    no more.
    """

    DONE = "done"
    BEGUN = "begun"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Run:
    """What the rows of one way through a revision have in common.

    `since`: the number of the history's last entry at which the revision was applied or taken
    back, 0 for none. `digest`: of the revision's file.
    """

    revision: str
    direction: Direction
    since: int
    digest: str


@dataclass(frozen=True, slots=True)
class DoneStatement:
    """A statement to be written down.

    `ordinal`, `segment`: from 1. `commits`: how often the revision had asked for a commit before.
    `row_count`: -1 where the driver told none. `started`, `ended`: how long ago; `ended` is None
    for one that is only begun.
    """

    ordinal: int
    segment: int
    commits: int
    is_autocommit: bool
    fingerprint: str
    sql: str
    lock: str
    row_count: int
    started: timedelta
    ended: timedelta | None
    attempts: int = 1
    waited: timedelta = timedelta()
    stalled: timedelta = timedelta()
    blockers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A row as it is read back; the times are the server's.

    `pid`, `backend_start`: the session that it was begun on. `transaction`: the id of the one that
    wrote the row last, "" where that is not known.
    """

    number: int
    revision: str
    direction: Direction
    digest: str
    ordinal: int
    segment: int
    commits: int
    is_autocommit: bool
    fingerprint: str
    sql: str
    state: StatementState
    row_count: int
    started_at: datetime
    pid: int
    backend_start: datetime | None = field(default=None)
    transaction: str = ""


# Inserts the rows that its one value has, as JSON.
RECORD = """
    INSERT INTO safemigrate.statement (
        revision, direction, since, digest, ordinal, segment, commits, is_autocommit, fingerprint,
        sql, lock, state, row_count, started_at, finished_at, attempts, waited_ms, stalled_ms,
        blockers, pid, backend_start
    )
    SELECT r.revision, r.direction, r.since, r.digest, r.ordinal, r.segment, r.commits,
        r.is_autocommit, r.fingerprint, r.sql, r.lock, r.state, r.row_count,
        pg_catalog.clock_timestamp() - r.started_ms * interval '1 millisecond',
        pg_catalog.clock_timestamp() - r.ended_ms * interval '1 millisecond', r.attempts,
        r.waited_ms, r.stalled_ms, r.blockers, pg_catalog.pg_backend_pid(),
        CASE WHEN r.state = 'begun' THEN (
            SELECT a.backend_start FROM pg_catalog.pg_stat_get_activity(
                pg_catalog.pg_backend_pid()
            ) AS a
        ) END
    FROM pg_catalog.jsonb_to_recordset(CAST({} AS jsonb)) AS r (
        revision text, direction text, since bigint, digest text, ordinal integer, segment integer,
        commits integer, is_autocommit boolean, fingerprint text, sql text, lock text, state text,
        row_count bigint, started_ms double precision, ended_ms double precision, attempts integer,
        waited_ms bigint, stalled_ms bigint, blockers text[]
    )
"""

_FINISH = """
    UPDATE safemigrate.statement AS s
    SET state = r.state, row_count = r.row_count, attempts = r.attempts,
        waited_ms = r.waited_ms, stalled_ms = r.stalled_ms, blockers = r.blockers,
        finished_at = pg_catalog.clock_timestamp() - r.ended_ms * interval '1 millisecond'
    FROM pg_catalog.jsonb_to_recordset(CAST({} AS jsonb)) AS r (
        revision text, direction text, since bigint, ordinal integer, state text, row_count bigint,
        attempts integer, waited_ms bigint, stalled_ms bigint, blockers text[],
        ended_ms double precision
    )
    WHERE s.revision = r.revision AND s.direction = r.direction AND s.since = r.since
        AND s.ordinal = r.ordinal AND s.state = 'begun'
        AND s.place = coalesce(pg_catalog.current_setting('safemigrate.place', true), '')
"""

# Since when a session is there only its own role may see, and who reads all statistics. Of another
# one that has this process id by now it is seen that it works on nothing: whatever is at work has
# a lock, that on its own transaction at least.
# https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS
# https://www.postgresql.org/docs/current/view-pg-locks.html
_IS_ALIVE = text(
    """
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_stat_activity AS a
        WHERE a.pid = :pid AND a.pid <> pg_backend_pid() AND (
            a.backend_start = :since OR (
                a.backend_start IS NULL
                AND EXISTS (SELECT FROM pg_catalog.pg_locks AS l WHERE l.pid = a.pid)
            )
        )
    )
    """
)

_PROGRESS = """
    SELECT s.id, s.revision, s.direction, s.digest, s.ordinal, s.segment, s.commits,
        s.is_autocommit, s.fingerprint, s.sql, s.state, s.row_count, s.started_at, s.pid,
        s.backend_start, s.xmin::text AS transaction
    FROM safemigrate.statement AS s
    WHERE s.state <> 'resolved' AND s.since = (
        SELECT coalesce(max(h.id), 0) FROM safemigrate.history AS h
        WHERE h.revision = s.revision AND h.outcome = 'applied' AND h.place = s.place
    ) AND s.place = coalesce(current_setting('safemigrate.place', true), '')
"""
_ORDER = " ORDER BY s.revision, s.direction, s.ordinal"
_PROGRESS_OF_ALL = text(_PROGRESS + _ORDER)
_PROGRESS_OF_SOME = text(
    _PROGRESS
    + " AND s.revision = ANY (CAST(:revisions AS text[])) AND s.direction = :direction"
    + _ORDER
)
# Of a whole database: each revision is looked up once, not each row.
_UNFINISHED = text(
    """
    SELECT DISTINCT s.revision, s.direction
    FROM safemigrate.statement AS s LEFT JOIN (
        SELECT revision, max(id) AS id FROM safemigrate.history
        WHERE outcome = 'applied'
            AND place = coalesce(current_setting('safemigrate.place', true), '')
        GROUP BY revision
    ) AS h USING (revision)
    WHERE s.state <> 'resolved' AND s.since = coalesce(h.id, 0)
        AND s.place = coalesce(current_setting('safemigrate.place', true), '')
    """
)
_RETIRE = text(
    """
    UPDATE safemigrate.statement AS s SET state = 'resolved'
    WHERE s.state <> 'resolved' AND s.revision = CAST(:revision AS text)
        AND s.direction = CAST(:direction AS text) AND s.since = (
            SELECT coalesce(max(h.id), 0) FROM safemigrate.history AS h
            WHERE h.revision = s.revision AND h.outcome = 'applied' AND h.place = s.place
        ) AND s.place = coalesce(current_setting('safemigrate.place', true), '')
    """
)
_SINCE = text(
    """
    SELECT revision, max(id) FROM safemigrate.history
    WHERE outcome = 'applied' AND revision = ANY (CAST(:revisions AS text[]))
        AND place = coalesce(current_setting('safemigrate.place', true), '')
    GROUP BY revision
    """
)


def write_statements(
    connection: Connection,
    run: Run,
    statements: Iterable[DoneStatement],
    state: StatementState = StatementState.DONE,
) -> None:
    """Insert rows in the transaction that the session is in, or at once where it is in none.

    Passwords are taken out of the texts. SQLAlchemy does not hear of it.
    """
    rows = [encode_done(run, one, state) for one in statements]
    send_unseen(connection, RECORD, json.dumps(rows, ensure_ascii=False))


def finish_statement(
    connection: Connection, run: Run, statement: DoneStatement, state: StatementState
) -> None:
    """Say of a statement that was begun what became of it; as `write_statements`."""
    row = encode_done(run, statement, state)
    send_unseen(connection, _FINISH, json.dumps([row], ensure_ascii=False))


def read_since(connection: Connection, revisions: Sequence[str]) -> Mapping[str, int]:
    """Return the number of the last entry at which each was applied or taken back."""
    rows = connection.execute(_SINCE, {"revisions": list(revisions)})
    return {revision: int(number) for revision, number in rows}


def read_progress(
    connection: Connection,
) -> Mapping[tuple[str, Direction], tuple[StatementRow, ...]]:
    """Return what of each revision is done, or begun, and not finished; none without a journal."""
    if not has_layout(connection, _LAYOUT):
        return {}
    return _group(connection.execute(_PROGRESS_OF_ALL).mappings())


def read_progress_of(
    connection: Connection, revisions: Sequence[str], direction: Direction
) -> Mapping[str, tuple[StatementRow, ...]]:
    """Return the same for these revisions in one direction; the tables must be there."""
    parameters = {"revisions": list(revisions), "direction": direction.value}
    found = _group(connection.execute(_PROGRESS_OF_SOME, parameters).mappings())
    return {revision: rows for (revision, _), rows in found.items()}


def read_unfinished(connection: Connection) -> frozenset[tuple[str, Direction]]:
    """Return the revisions of which something is done, or begun, and which were not finished."""
    rows = connection.execute(_UNFINISHED)
    return frozenset((revision, Direction(direction)) for revision, direction in rows)


def retire(connection: Connection, revision: str, direction: Direction) -> None:
    """Let what is done of an unfinished revision count no more."""
    connection.execute(_RETIRE, {"revision": revision, "direction": direction.value})


def is_session_alive(connection: Connection, row: StatementRow) -> bool:
    """Return whether the session that the statement was begun on is still there."""
    parameters = {"pid": row.pid, "since": row.backend_start}
    return bool(connection.execute(_IS_ALIVE, parameters).scalar_one())


def _group(
    rows: Iterable[RowMapping],
) -> Mapping[tuple[str, Direction], tuple[StatementRow, ...]]:
    found: defaultdict[tuple[str, Direction], list[StatementRow]] = defaultdict(list)
    for row in map(_decode, rows):
        found[row.revision, row.direction].append(row)
    return {key: tuple(statements) for key, statements in found.items()}


def encode_done(
    run: Run, statement: DoneStatement, state: StatementState = StatementState.DONE
) -> Mapping[str, object]:
    """Return the row for JSON, without passwords."""
    ended = statement.ended
    return {
        "revision": run.revision,
        "direction": run.direction.value,
        "since": run.since,
        "digest": run.digest,
        "ordinal": statement.ordinal,
        "segment": statement.segment,
        "commits": statement.commits,
        "is_autocommit": statement.is_autocommit,
        "fingerprint": statement.fingerprint,
        "sql": hide_sql_passwords(statement.sql)[:_LONGEST_SQL],
        "lock": statement.lock,
        "state": state.value,
        "row_count": statement.row_count,
        "started_ms": statement.started / timedelta(milliseconds=1),
        "ended_ms": None if ended is None else ended / timedelta(milliseconds=1),
        "attempts": statement.attempts,
        "waited_ms": count_milliseconds(statement.waited),
        "stalled_ms": count_milliseconds(statement.stalled),
        "blockers": [hide_sql_passwords(line) for line in statement.blockers],
    }


def _decode(row: RowMapping) -> StatementRow:
    return StatementRow(
        number=row["id"],
        revision=row["revision"],
        direction=Direction(row["direction"]),
        digest=row["digest"],
        ordinal=row["ordinal"],
        segment=row["segment"],
        commits=row["commits"],
        is_autocommit=row["is_autocommit"],
        fingerprint=row["fingerprint"],
        sql=row["sql"],
        state=StatementState(row["state"]),
        row_count=row["row_count"],
        started_at=row["started_at"],
        pid=row["pid"],
        backend_start=row["backend_start"],
        transaction=row["transaction"],
    )
