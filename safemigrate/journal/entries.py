"""Entries of the history: one for every revision that ran, and for every one that failed."""

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from importlib.metadata import version

from sqlalchemy import text
from sqlalchemy.engine import Connection, RowMapping

from safemigrate.journal.durations import count_milliseconds
from safemigrate.journal.layout import has_journal
from safemigrate.model import Direction
from safemigrate.model.secrets import hide_passwords, hide_sql_passwords

__all__ = ["Attempt", "Entry", "Outcome", "read_entries", "read_last_entry", "write_entry"]


class Outcome(Enum):
    """What became of a revision."""

    APPLIED = "applied"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What there is to say about a revision that ran, or failed.

    `duration`: from the first attempt to now. `waited`: the part of it that went into attempts
    given up for a lock, and the pauses after them. `error`: why it failed. `committed`: what it
    had committed before it failed, by the first lines of the statements. `override`: the reason
    for which the gate was overridden.
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


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the history; the times are the server's, `number` counts up.

    `error`, `committed` and `override` are as in `Attempt`, without passwords.
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


_INSERT = text(
    """
    INSERT INTO safemigrate.history (
        revision, direction, outcome, started_at, finished_at, duration_ms, attempts, waited_ms,
        database_user, os_user, host, package_version, error, committed, override
    ) VALUES (
        CAST(:revision AS text), CAST(:direction AS text), CAST(:outcome AS text),
        clock_timestamp() - CAST(:duration_ms AS bigint) * interval '1 millisecond',
        clock_timestamp(), CAST(:duration_ms AS bigint), CAST(:attempts AS integer),
        CAST(:waited_ms AS bigint), session_user, CAST(:os_user AS text), CAST(:host AS text),
        CAST(:package_version AS text), CAST(:error AS text), CAST(:committed AS text[]),
        CAST(:override AS text)
    )
    """
)

_COLUMNS = (
    "id, revision, direction, outcome, started_at, finished_at, duration_ms, attempts,"
    " waited_ms, database_user, os_user, host, package_version, error, committed, override"
)
_SELECT_ALL = text(f"SELECT {_COLUMNS} FROM safemigrate.history ORDER BY id")  # noqa: S608 - a constant
_SELECT_LAST = text(f"SELECT {_COLUMNS} FROM safemigrate.history ORDER BY id DESC LIMIT 1")  # noqa: S608 - a constant


def write_entry(connection: Connection, attempt: Attempt) -> None:
    """Insert a row in the transaction that `connection` is in, or begins one.

    Passwords are taken out of it. The tables must be there (`prepare_journal`); it commits nothing.
    """
    parameters: Mapping[str, str | int | list[str]] = {
        "revision": attempt.revision,
        "direction": attempt.direction.value,
        "outcome": attempt.outcome.value,
        "duration_ms": count_milliseconds(attempt.duration),
        "attempts": attempt.attempts,
        "waited_ms": count_milliseconds(attempt.waited),
        "os_user": _os_user(),
        "host": socket.gethostname(),
        "package_version": version("safemigrate"),
        "error": hide_passwords(attempt.error),
        "committed": [hide_sql_passwords(line) for line in attempt.committed],
        "override": hide_passwords(attempt.override),
    }
    connection.execute(_INSERT, parameters)


def read_entries(connection: Connection) -> tuple[Entry, ...]:
    """Return the whole history, newest last; empty where there is none."""
    if not has_journal(connection):
        return ()
    return tuple(_decode(row) for row in connection.execute(_SELECT_ALL).mappings())


def read_last_entry(connection: Connection) -> Entry | None:
    """Return the newest entry, or None where there is none."""
    if not has_journal(connection):
        return None
    row = connection.execute(_SELECT_LAST).mappings().one_or_none()
    return None if row is None else _decode(row)


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
    )


def _os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # a container may run under a number that no account has
        return str(os.getuid())
