"""What the tests of generated rows share: databases, and a schema with types of its own."""

from collections.abc import Iterator

import pytest

from safemigrate.model import QualifiedName
from safemigrate.server import Server
from safemigrate.trace import Connection, open_connection
from safemigrate.verify.rows import Filling, fill_tables
from tests.postgres.versions import ProofServers, proof_versions

MADE = """
CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"', 'happy, very');
CREATE TYPE pair AS (a integer, b text, c mood);
CREATE DOMAIN positive AS bigint CHECK (VALUE > 0);
CREATE DOMAIN short_name AS varchar(20) NOT NULL CHECK (VALUE ~ '^[a-z][a-z0-9_]{2,9}$');
CREATE DOMAIN weekday AS short_name CHECK (VALUE IN ('monday', 'friday'));
CREATE TYPE moodrange AS RANGE (subtype = mood);
"""


@pytest.fixture(params=proof_versions())
def major(request: pytest.FixtureRequest, proof_servers: ProofServers) -> Iterator[Connection]:
    """A connection to a new database, on each major."""
    server = proof_servers[request.param]
    name = server.create_database()
    with open_connection(server.url(name)) as connection:
        yield connection
    server.drop_database(name)


@pytest.fixture
def connection(embedded_server: Server) -> Iterator[Connection]:
    """A connection to a new database."""
    name = embedded_server.create_database()
    with open_connection(embedded_server.url(name)) as opened:
        yield opened
    embedded_server.drop_database(name)


def make(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement.encode())


def fill(connection: Connection, *names: str, rows: int = 100) -> Filling:
    return fill_tables(connection, [QualifiedName("public", name) for name in names], rows)


def ask(connection: Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query.encode()).fetchall()
