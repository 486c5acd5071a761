"""Which runs have gone on with what earlier ones had begun."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import Connection

from safemigrate.journal.layout import has_layout

__all__ = ["Resumed", "read_resumed"]

_LAYOUT = 2


@dataclass(frozen=True, slots=True)
class Resumed:
    """What of a revision was done when a run went on with it.

    `begun_at`: when the first statement was begun, by the server's clock.
    """

    begun_at: datetime
    statements: int


# A statement belongs to the way through its revision that began behind the entry `since`. The times
# of both rows are reckoned back from when they were written, so they may be a little off.
_RESUMED = text(
    """
    SELECT h.id, min(s.started_at) AS begun_at, count(*) AS statements
    FROM (
        SELECT id, revision, direction, place, started_at,
            coalesce(max(id) FILTER (WHERE outcome = 'applied') OVER (
                PARTITION BY place, revision ORDER BY id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS since
        FROM safemigrate.history
        WHERE place = coalesce(current_setting('safemigrate.place', true), '')
    ) AS h JOIN safemigrate.statement AS s USING (place, revision, direction, since)
    WHERE s.state = 'done' AND s.started_at < h.started_at - interval '20 milliseconds'
    GROUP BY h.id
    """
)


def read_resumed(connection: Connection) -> Mapping[int, Resumed]:
    """Return, by the numbers of their entries, the runs that did not begin their revision."""
    if not has_layout(connection, _LAYOUT):
        return {}
    rows = connection.execute(_RESUMED).mappings()
    return {row["id"]: Resumed(row["begun_at"], row["statements"]) for row in rows}
