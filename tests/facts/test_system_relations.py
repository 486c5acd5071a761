"""Names of the system's own relations are those of pg_catalog, as the server finds them."""

from collections.abc import Iterator

import psycopg
import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.facts import walk
from safemigrate.model import Direction, History, Migration, ServerVersion, Span, Statement
from safemigrate.model.system_relations import SYSTEM_RELATIONS
from safemigrate.server import Server
from tests.postgres.versions import ProofServers, proof_versions

Connection = psycopg.Connection[tuple[object, ...]]

SCHEMA = """
CREATE TABLE public.pg_enum (id int);
CREATE SCHEMA mine;
CREATE TABLE mine.pg_class (id int);
CREATE TABLE public.pg_stat_statements (id int);
CREATE TABLE public.pg_log (id int);
"""

# A query, the search path it runs under, and the tables it locks.
QUERIES = {
    "SELECT e.enumlabel FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid": (
        "public",
        {"pg_catalog.pg_enum", "pg_catalog.pg_type"},
    ),
    "SELECT FROM pg_catalog.pg_namespace": ("public", {"pg_catalog.pg_namespace"}),
    "SELECT FROM pg_class": ("mine", {"pg_catalog.pg_class"}),
    "SELECT FROM pg_class, pg_enum": (
        "mine, pg_catalog",
        {"mine.pg_class", "pg_catalog.pg_enum"},
    ),
    "SELECT FROM public.pg_enum": ("public", {"public.pg_enum"}),
    "SELECT FROM pg_stat_statements, pg_log": (
        "public",
        {"public.pg_stat_statements", "public.pg_log"},
    ),
}

LOCKED = """
SELECT n.nspname || '.' || c.relname
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE l.pid = %s AND l.mode = 'AccessShareLock' AND c.relkind = 'r'
"""


def explain(sql: str, path: str) -> set[str]:
    sent = tuple(
        Statement(one, "a.sql", Span(1, 1, 1, 1), None, Direction.UPGRADE, ordinal, 1)
        for ordinal, one in enumerate([f"SET search_path TO {path}", sql], start=1)
    )
    history = History((Migration("a.sql", "", upgrade=sent),))
    before = catalog_of_sql(SCHEMA, "schema.sql")
    timeline = walk(history, before=before, version=ServerVersion(18))
    return {str(lock.relation) for lock in timeline.passages[0].statements[1].facts.locks}


@pytest.fixture
def connection(embedded_server: Server) -> Iterator[Connection]:
    database = embedded_server.create_database()
    url = embedded_server.url(database).replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute(SCHEMA)
        connection.commit()
        yield connection
    embedded_server.drop_database(database)


def ask_locked(connection: Connection) -> set[str]:
    with psycopg.connect(connection.info.dsn) as other:
        rows = other.execute(LOCKED, [connection.info.backend_pid])
        return {str(name) for (name,) in rows}


@pytest.mark.parametrize("sql", QUERIES)
def test_a_name_is_resolved_as_the_server_does(sql: str, connection: Connection) -> None:
    path, expected = QUERIES[sql]
    connection.execute(f"SET LOCAL search_path TO {path}".encode())
    connection.execute(sql.encode())

    assert ask_locked(connection) == explain(sql, path) == expected


@pytest.mark.parametrize("major", proof_versions())
def test_every_relation_of_the_system_is_known(major: int, proof_servers: ProofServers) -> None:
    server = proof_servers[major]
    database = server.create_database()
    with psycopg.connect(server.url(database).replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'v')"
            " AND relnamespace = 'pg_catalog'::regnamespace"
        ).fetchall()
    server.drop_database(database)
    there = {str(name) for (name,) in rows}
    assert there
    assert there <= SYSTEM_RELATIONS
