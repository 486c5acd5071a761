"""Entries of the history: one for every revision that ran, and for every one that failed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import text
from sqlalchemy.engine import Connection, RowMapping

from safemigrate.journal.driving import send_unseen
from safemigrate.journal.durations import count_milliseconds
from safemigrate.journal.layout import has_journal, has_layout
from safemigrate.journal.persons import find_host, find_os_user, find_package_version
from safemigrate.journal.statements import RECORD, DoneStatement, Run, encode_done
from safemigrate.model import Direction
from safemigrate.model.secrets import hide_passwords, hide_sql_passwords

__all__ = [
    "Attempt",
    "Entry",
    "Outcome",
    "read_entries",
    "read_last_entry",
    "write_end",
    "write_entry",
]


class Outcome(Enum):
    """What became of a revision."""

    APPLIED = "applied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What there is to say about a revision that ran, or failed.

    `duration`: from the first attempt to now. `waited`: the part of it that went into attempts
    given up for a lock, the pauses after them, and waiting beside the queue. `error`: why it
    failed. `committed`: what it had committed before it failed, by the first lines of the
    statements. `override`: the reason for which the gate was overridden. `stalled`: for how long
    others may have had to wait for it. `digest`: the content of the revision. `git_commit`,
    `ci_run`: where it came from, "" where that is not known. `blockers`: the sessions it had to
    wait for, in words.
    """

    revision: str
    direction: Direction
    outcome: Outcome
    duration: timedelta
    attempts: int
    waited: timedelta
    error: str = ""
    committed: tuple[str, ...] = ()
    override: str = ""
    stalled: timedelta = timedelta()
    digest: str = ""
    git_commit: str = ""
    ci_run: str = ""
    blockers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the history; the times are the server's, `number` counts up.

    What `Attempt` has too is as there, without passwords.
    """

    number: int
    revision: str
    direction: Direction
    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    duration: timedelta
    attempts: int
    waited: timedelta
    database_user: str
    os_user: str
    host: str
    package_version: str
    error: str
    committed: tuple[str, ...]
    override: str
    stalled: timedelta = timedelta()
    digest: str = ""
    git_commit: str = ""
    ci_run: str = ""
    blockers: tuple[str, ...] = ()


_INSERT = """
    INSERT INTO safemigrate.history (
        revision, direction, outcome, started_at, finished_at, duration_ms, attempts, waited_ms,
        database_user, os_user, host, package_version, error, committed, override, stalled_ms,
        digest, git_commit, ci_run, blockers
    )
    SELECT r.revision, r.direction, r.outcome,
        pg_catalog.clock_timestamp() - r.duration_ms * interval '1 millisecond',
        pg_catalog.clock_timestamp(), r.duration_ms, r.attempts, r.waited_ms, session_user,
        r.os_user, r.host, r.package_version, r.error, r.committed, r.override, r.stalled_ms,
        r.digest, r.git_commit, r.ci_run, r.blockers
    FROM pg_catalog.jsonb_to_recordset(CAST({} AS jsonb)) AS r (
        revision text, direction text, outcome text, duration_ms bigint, attempts integer,
        waited_ms bigint, os_user text, host text, package_version text, error text,
        committed text[], override text, stalled_ms bigint, digest text, git_commit text,
        ci_run text, blockers text[]
    )
"""

_INSERT_ALONE = text(_INSERT.format("CAST(:rows AS text)"))
_INSERT_WITH_STATEMENTS = f"WITH done AS ({RECORD}) {_INSERT}"

_COLUMNS = (
    "id, revision, direction, outcome, started_at, finished_at, duration_ms, attempts,"
    " waited_ms, database_user, os_user, host, package_version, error, committed, override"
)
# What the second layout has brought; a database that is only looked at may still have the first.
_NEW_COLUMNS = "stalled_ms, digest, git_commit, ci_run, blockers"
_INSTEAD_OF_THEM = (
    "0 AS stalled_ms, '' AS digest, '' AS git_commit, '' AS ci_run,"
    " CAST('{}' AS text[]) AS blockers"
)

# The session says for which tenant's schema it is, where there is one for each.
_OF_HERE = "WHERE place = coalesce(current_setting('safemigrate.place', true), '')"


def write_entry(connection: Connection, attempt: Attempt) -> None:
    """Insert a row in the transaction that `connection` is in, or begins one.

    Passwords are taken out of it. The tables must be there (`prepare_journal`); it commits nothing.
    """
    connection.execute(_INSERT_ALONE, {"rows": json.dumps([_encode(attempt)], ensure_ascii=False)})


def write_end(
    connection: Connection, run: Run, statements: Sequence[DoneStatement], attempt: Attempt
) -> None:
    """Insert the rows of the last statements and that of the revision, in one statement.

    In the transaction that the session is in; SQLAlchemy does not hear of it.
    """
    rows = json.dumps([encode_done(run, one) for one in statements], ensure_ascii=False)
    entry = json.dumps([_encode(attempt)], ensure_ascii=False)
    send_unseen(connection, _INSERT_WITH_STATEMENTS, rows, entry)


def _encode(attempt: Attempt) -> Mapping[str, str | int | list[str]]:
    return {
        "revision": attempt.revision,
        "direction": attempt.direction.value,
        "outcome": attempt.outcome.value,
        "duration_ms": count_milliseconds(attempt.duration),
        "attempts": attempt.attempts,
        "waited_ms": count_milliseconds(attempt.waited),
        "os_user": find_os_user(),
        "host": find_host(),
        "package_version": find_package_version(),
        "error": hide_passwords(attempt.error),
        "committed": [hide_sql_passwords(line) for line in attempt.committed],
        "override": hide_passwords(attempt.override),
        "stalled_ms": count_milliseconds(attempt.stalled),
        "digest": attempt.digest,
        "git_commit": attempt.git_commit,
        "ci_run": attempt.ci_run,
        "blockers": [hide_sql_passwords(line) for line in attempt.blockers],
    }


def read_entries(connection: Connection) -> tuple[Entry, ...]:
    """Return the whole history, newest last; empty where there is none."""
    return _read(connection, "ORDER BY id")


def read_last_entry(connection: Connection) -> Entry | None:
    """Return the newest entry, or None where there is none."""
    return next(iter(_read(connection, "ORDER BY id DESC LIMIT 1")), None)


def _read(connection: Connection, order: str) -> tuple[Entry, ...]:
    if not has_journal(connection):
        return ()
    new, which = (_NEW_COLUMNS, _OF_HERE) if has_layout(connection, 2) else (_INSTEAD_OF_THEM, "")
    statement = text(f"SELECT {_COLUMNS}, {new} FROM safemigrate.history {which} {order}")  # noqa: S608 - constants
    return tuple(_decode(row) for row in connection.execute(statement).mappings())


def _decode(row: RowMapping) -> Entry:
    return Entry(
        number=row["id"],
        revision=row["revision"],
        direction=Direction(row["direction"]),
        outcome=Outcome(row["outcome"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        duration=timedelta(milliseconds=row["duration_ms"]),
        attempts=row["attempts"],
        waited=timedelta(milliseconds=row["waited_ms"]),
        database_user=row["database_user"],
        os_user=row["os_user"],
        host=row["host"],
        package_version=row["package_version"],
        error=row["error"],
        committed=tuple(row["committed"]),
        override=row["override"],
        stalled=timedelta(milliseconds=row["stalled_ms"]),
        digest=row["digest"],
        git_commit=row["git_commit"],
        ci_run=row["ci_run"],
        blockers=tuple(row["blockers"]),
    )
