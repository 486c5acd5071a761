"""The tables that are measured on, filled, and how an experiment is repeated."""

import statistics
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

from docs.measured.application import connect
from docs.measured.figures import About, describe_machine
from safemigrate.server import Server

__all__ = ["Ground", "choose_median", "prepare_accounts"]

T = TypeVar("T")

_TABLES = """
CREATE TABLE owners (id bigint PRIMARY KEY);
INSERT INTO owners SELECT generate_series(1, 1000);
CREATE TABLE accounts (
    id bigint PRIMARY KEY,
    owner_id bigint,
    balance bigint DEFAULT 0,
    holder text
) WITH (fillfactor = 80, autovacuum_enabled = off);
"""
_FILL = """
INSERT INTO accounts (id, owner_id, holder)
SELECT id, 1 + id %% 1000, md5(id::text) FROM generate_series(1, %s) AS id
"""


@dataclass(frozen=True, slots=True)
class Ground:
    """What an experiment is given: a server, how many rows, how often, and how long things last.

    `held_seconds`: how long a reader keeps its transaction open once a migration has connected.
    `calm_seconds`: how long the application is served before something happens, and after it.
    """

    server: Server
    rows: int
    repeats: int
    held_seconds: float
    calm_seconds: float

    def describe(self, rows: int | None = None) -> About:
        """Return what was measured on; `rows`, if not those of the ground."""
        with closing(connect(self.server.url("postgres"))) as connection:
            version = str(connection.info.parameter_status("server_version"))
        return describe_machine(version, rows=rows or self.rows, repeats=self.repeats)


def prepare_accounts(server: Server, rows: int) -> str:
    """Return the name of a new database with so many accounts, vacuumed."""
    name = server.create_database()
    with closing(connect(server.url(name))) as connection:
        connection.execute(_TABLES.encode())
        connection.execute(_FILL.encode(), (rows,))
        connection.execute("VACUUM (ANALYZE, FREEZE) accounts")
    return name


def choose_median(tries: Sequence[T], figure: Callable[[T], float]) -> T:
    """Return the try whose figure is the median, the lower one of two."""
    middle = statistics.median_low([figure(one) for one in tries])
    return next(one for one in tries if figure(one) == middle)
