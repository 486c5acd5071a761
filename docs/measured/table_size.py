"""How long a statement holds its lock, by the number of rows: nobody else is there."""

import time
from contextlib import closing
from statistics import median

import psycopg

from docs.measured.application import connect
from docs.measured.figures import Experiment, Line
from docs.measured.ground import Ground

__all__ = ["NAME", "STATEMENTS", "measure"]

NAME = "table-size"
# The title of each statement, in the order in which they are drawn.
STATEMENTS = {
    "SET DATA TYPE, rewrite": "ALTER TABLE sized ALTER COLUMN small SET DATA TYPE bigint",
    "ADD COLUMN, volatile default": (
        "ALTER TABLE sized ADD COLUMN seen timestamptz DEFAULT clock_timestamp()"
    ),
    "SET NOT NULL": "ALTER TABLE sized ALTER COLUMN holder SET NOT NULL",
    "ADD COLUMN, constant default": "ALTER TABLE sized ADD COLUMN state text DEFAULT 'new'",
}
_STEPS = (1 / 27, 1 / 9, 1 / 3, 1)
_MAKE = "CREATE TABLE sized (id bigint PRIMARY KEY, small integer, holder text)"
_FILL = """
INSERT INTO sized SELECT id, id %% 100, md5(id::text) FROM generate_series(%s::bigint, %s) AS id
"""


def measure(ground: Ground) -> Experiment:
    """Return a line for each statement."""
    name = ground.server.create_database()
    sizes = tuple(max(1, round(ground.rows * step)) for step in _STEPS)
    took: dict[str, list[float]] = {title: [] for title in STATEMENTS}
    with closing(connect(ground.server.url(name))) as connection:
        connection.execute(_MAKE)
        filled = 0
        for size in sizes:
            connection.execute(_FILL.encode(), (filled + 1, size))
            connection.execute("VACUUM (ANALYZE, FREEZE) sized")
            filled = size
            for title, statement in STATEMENTS.items():
                tries = [_time(connection, statement) for _ in range(ground.repeats)]
                took[title].append(round(median(tries), 3))
    ground.server.drop_database(name)
    lines = tuple(
        Line(title=title, statement=statement, rows=sizes, took_ms=tuple(took[title]))
        for title, statement in STATEMENTS.items()
    )
    return Experiment(version=1, name=NAME, about=ground.describe(), lines=lines)


def _time(connection: psycopg.Connection, statement: str) -> float:
    """Return how many milliseconds it takes; what it did is rolled back."""
    with connection.transaction(force_rollback=True):
        began = time.perf_counter()
        connection.execute(statement.encode())
        return (time.perf_counter() - began) * 1000
