"""What somebody decided where nobody else could know."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sqlalchemy import text
from sqlalchemy.engine import Connection

from safemigrate.journal.layout import has_layout
from safemigrate.journal.persons import find_os_user
from safemigrate.journal.statements import StatementRow
from safemigrate.model import Direction
from safemigrate.model.secrets import hide_passwords

__all__ = ["Decision", "Resolution", "read_forgotten", "resolve"]

_LAYOUT = 2


class Decision(Enum):
    """`DONE`: it is done, and is skipped. `NOT_DONE`: it is not, and runs again.

    `FORGET`: what was done of the revision is taken to be none of it.
    """

    DONE = "done"
    NOT_DONE = "not-done"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Resolution:
    """A decision about a revision; `statement` is None for all of them."""

    revision: str
    direction: Direction
    statement: StatementRow | None
    decision: Decision
    reason: str


# One statement, so that it holds as a whole also where each is committed by itself.
_RESOLVE = text(
    """
    WITH settled AS (
        UPDATE safemigrate.statement SET state = CAST(:state AS text)
        WHERE revision = CAST(:revision AS text) AND direction = CAST(:direction AS text)
            AND state <> 'resolved'
            AND place = coalesce(current_setting('safemigrate.place', true), '')
            AND (id = CAST(:number AS bigint) OR CAST(:number AS bigint) IS NULL)
    )
    INSERT INTO safemigrate.resolution (
        revision, direction, ordinal, decision, reason, database_user, os_user, host
    ) VALUES (
        CAST(:revision AS text), CAST(:direction AS text), CAST(:ordinal AS integer),
        CAST(:decision AS text), CAST(:reason AS text), session_user, CAST(:os_user AS text),
        CAST(:host AS text)
    )
    """
)

_FORGOTTEN = text(
    """
    SELECT revision, direction, max(decided_at) AS decided_at FROM safemigrate.resolution
    WHERE decision = 'forget'
        AND place = coalesce(current_setting('safemigrate.place', true), '')
    GROUP BY revision, direction
    """
)


def resolve(connection: Connection, resolution: Resolution) -> None:
    """Write the decision down, and let it hold. The tables must be there."""
    statement = resolution.statement
    parameters: Mapping[str, str | int | None] = {
        "revision": resolution.revision,
        "direction": resolution.direction.value,
        "ordinal": None if statement is None else statement.ordinal,
        "number": None if statement is None else statement.number,
        "decision": resolution.decision.value,
        "state": "done" if resolution.decision is Decision.DONE else "resolved",
        "reason": hide_passwords(resolution.reason),
        "os_user": find_os_user(),
        "host": socket.gethostname(),
    }
    connection.execute(_RESOLVE, parameters)


def read_forgotten(connection: Connection) -> Mapping[tuple[str, Direction], datetime]:
    """Return when all that was done of a revision was last forgotten; none without a journal."""
    if not has_layout(connection, _LAYOUT):
        return {}
    rows = connection.execute(_FORGOTTEN).mappings()
    return {(row["revision"], Direction(row["direction"])): row["decided_at"] for row in rows}
