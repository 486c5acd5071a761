"""The schema that is kept up to date look by look is the one that is read whole, after any DDL."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from safemigrate.errors import DatabaseError
from safemigrate.server import Server
from safemigrate.trace import Connection, open_connection
from safemigrate.verify import Snapshot, VersionTable, take_snapshot
from safemigrate.verify.watching import SchemaWatch
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.test_snapshots import MUTATIONS, NEUTRAL, ROLES, SCHEMA

each_major = pytest.mark.parametrize("major", proof_versions())

MORE_SCHEMA = (
    "CREATE TABLE q (id int PRIMARY KEY, a int, z text)",
    "CREATE VIEW w AS SELECT * FROM p JOIN q USING (id)",
    "CREATE VIEW v2 AS SELECT a AS b FROM v",
    "CREATE TABLE parts (id int, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)",
    "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')",
    "CREATE PUBLICATION published FOR TABLE p, parts",
    "CREATE FUNCTION of_mood(m mood) RETURNS text LANGUAGE sql AS 'SELECT m::text'",
    "ALTER TABLE t ADD CONSTRAINT t_m CHECK (m <> 'sad')",
    "ALTER TABLE t ALTER m SET DEFAULT 'happy'",
    "COMMENT ON CONSTRAINT t_b ON t IS 'the b'",
    "CREATE FOREIGN DATA WRAPPER fdw",
    "CREATE SERVER far FOREIGN DATA WRAPPER fdw",
    "CREATE FOREIGN TABLE abroad (id int) SERVER far",
)
# What shows elsewhere than where it is stored, and what is stored in odd places.
FAR_REACHING = (
    "ALTER TABLE t RENAME TO t_new",
    "ALTER TABLE t RENAME a TO a_new",
    "ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME c TO a; ALTER TABLE t RENAME x TO c",
    "ALTER TABLE t RENAME TO x; ALTER TABLE q RENAME TO t; ALTER TABLE x RENAME TO q",
    (
        "ALTER TABLE t RENAME CONSTRAINT t_a TO x; ALTER TABLE t RENAME CONSTRAINT t_b TO t_a;"
        " ALTER TABLE t RENAME CONSTRAINT x TO t_b"
    ),
    "ALTER TABLE q ADD COLUMN d int",
    "ALTER TABLE p ADD COLUMN z text",
    "ALTER TABLE q DROP COLUMN z CASCADE",
    "ALTER TABLE t DROP COLUMN a CASCADE",
    "ALTER TABLE t ALTER b TYPE text",
    "ALTER TABLE t SET SCHEMA app",
    "ALTER SCHEMA app RENAME TO app_new",
    "ALTER SCHEMA public RENAME TO private; CREATE SCHEMA public",
    "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'",
    "ALTER TYPE mood RENAME TO temper",
    "ALTER DOMAIN positive RENAME TO above_zero",
    "ALTER FUNCTION f() RENAME TO g",
    "ALTER FUNCTION tf() RENAME TO tg",
    "ALTER INDEX t_c RENAME TO t_c_new",
    "ALTER SEQUENCE s RENAME TO s_new",
    "ALTER TRIGGER tr ON t RENAME TO tr_new",
    "ALTER POLICY pol ON t RENAME TO pol_new",
    "ALTER VIEW v RENAME a TO b",
    "ALTER VIEW v RENAME TO v_new",
    "ALTER TABLE parts RENAME at TO day",
    "ALTER TABLE parts DETACH PARTITION parts_1",
    "CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')",
    "CREATE TABLE parts_default PARTITION OF parts DEFAULT",
    "CREATE INDEX parts_at ON parts (at)",
    "CREATE UNIQUE INDEX parts_both ON parts (at, id)",
    "ALTER TABLE parts ADD COLUMN n int DEFAULT 1",
    "DROP TABLE parts CASCADE",
    "DROP TABLE t CASCADE",
    "DROP TABLE p CASCADE",
    "DROP SCHEMA app CASCADE",
    "DROP SCHEMA public CASCADE",
    "DROP TYPE mood CASCADE",
    "DROP VIEW v CASCADE",
    "DROP EXTENSION IF EXISTS hstore CASCADE",
    "CREATE EXTENSION IF NOT EXISTS hstore; ALTER EXTENSION hstore ADD FUNCTION f()",
    "ALTER EXTENSION hstore DROP FUNCTION f()",
    "ALTER PUBLICATION published ADD TABLE q",
    "ALTER PUBLICATION published SET (publish = 'insert')",
    "ALTER PUBLICATION published DROP TABLE parts",
    "ALTER FOREIGN TABLE abroad OPTIONS (ADD x '1')",
    "ALTER SERVER far RENAME TO farther",
    "CREATE USER MAPPING FOR CURRENT_USER SERVER far",
    "ALTER ROLE snapshot_owner SET work_mem = '8MB'",
    "ALTER ROLE snapshot_owner RENAME TO snapshot_keeper",
    "COMMENT ON SCHEMA public IS 'ours'",
    "COMMENT ON CONSTRAINT t_b ON t IS NULL",
    "COMMENT ON TYPE mood IS 'how it feels'",
    "COMMENT ON FUNCTION f() IS 'one'",
    "COMMENT ON RULE ru ON p IS 'never'",
    "COMMENT ON DOMAIN positive IS 'above zero'",
    "ALTER DOMAIN positive DROP CONSTRAINT positive_check",
    "ALTER TABLE t ALTER a SET STATISTICS 5; ANALYZE t",
    "VACUUM FULL t",
    "CLUSTER t USING t_c",
    "REINDEX TABLE t",
    "TRUNCATE p CASCADE",
    "REFRESH MATERIALIZED VIEW mv",
    "ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE",
    "ALTER TABLE q ADD CONSTRAINT q_t FOREIGN KEY (a) REFERENCES p (id)",
    "ALTER STATISTICS st RENAME TO st_new",
    "ALTER STATISTICS st SET STATISTICS 7",
    "DROP FUNCTION tf() CASCADE",
    "DROP TABLE alembic_version; CREATE TABLE alembic_version (version_num text PRIMARY KEY)",
    "ALTER TABLE alembic_version RENAME TO versions",
    "DROP TABLE IF EXISTS alembic_version",
    "REASSIGN OWNED BY snapshot_owner TO CURRENT_USER",
)
STATEMENTS = (*(mutation for mutation, _ in MUTATIONS), *NEUTRAL, *FAR_REACHING)


@contextmanager
def database(server: Server, template: str | None = None) -> Iterator[str]:
    name = server.create_database(template)
    try:
        yield name
    finally:
        server.drop_database(name)


@pytest.fixture(scope="module")
def templates(proof_servers: ProofServers) -> Iterator[dict[int, str]]:
    """A database on each server, with something of every kind in it."""
    made: dict[int, str] = {}
    yield made
    for major, name in made.items():
        proof_servers[major].drop_database(name)
        with open_connection(proof_servers[major].url("postgres")) as connection:
            for role in ROLES:
                connection.execute(f"DROP ROLE {role}".encode())


def make_template(server: Server) -> str:
    name = server.create_database()
    with open_connection(server.url(name)) as connection:
        for role in ROLES:
            run(connection, f"CREATE ROLE {role}")
        for statement in (*SCHEMA, *MORE_SCHEMA):
            connection.execute(statement.encode())
    return name


def run(connection: Connection, script: str) -> bool:
    """Run the statements one by one; return whether the server took all."""
    try:
        for statement in script.split("; ") if "'BEGIN" not in script else [script]:
            connection.execute(statement.encode())
    except psycopg.Error:
        return False
    return True


@pytest.fixture
def fresh(
    proof_servers: ProofServers, templates: dict[int, str], request: pytest.FixtureRequest
) -> Iterator[str]:
    """The URL of a copy of the template on the server of the test's major."""
    major: int = request.getfixturevalue("major")
    server = proof_servers[major]
    if major not in templates:
        templates[major] = make_template(server)
    with database(server, templates[major]) as name:
        yield server.url(name)
        with open_connection(server.url("postgres")) as connection:
            # of all databases, so that the next test finds it as it was
            run(connection, "ALTER ROLE snapshot_keeper RENAME TO snapshot_owner")
            run(connection, "ALTER ROLE snapshot_owner RESET work_mem")


def whole(connection: Connection) -> Snapshot:
    return take_snapshot(connection, VersionTable())


@each_major
@pytest.mark.parametrize("statement", STATEMENTS)
def test_what_is_kept_equals_what_is_read_whole(major: int, fresh: str, statement: str) -> None:
    del major
    with open_connection(fresh) as worker, open_connection(fresh) as session:
        watch = SchemaWatch()
        assert watch.look(session, VersionTable()) == whole(worker)

        run(worker, statement)

        assert watch.look(session, VersionTable()) == whole(worker)


@each_major
@pytest.mark.parametrize("seed", range(12))
def test_it_stays_equal_over_many_statements_in_any_order(
    major: int, fresh: str, seed: int
) -> None:
    # the same statements in every run
    chosen = random.Random(f"{major} {seed}").sample(STATEMENTS, 60)  # noqa: S311
    taken = 0
    with open_connection(fresh) as worker, open_connection(fresh) as session:
        watch = SchemaWatch()
        watch.look(session, VersionTable())
        for statement in chosen:
            taken += run(worker, statement)
            assert watch.look(session, VersionTable()) == whole(worker), statement
    assert taken


SMALL = (
    "CREATE TABLE n (id int PRIMARY KEY, d positive DEFAULT 1)",
    "ALTER TABLE t ADD COLUMN n int",
    "CREATE INDEX n ON t (a)",
    "CREATE FUNCTION n() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TYPE n AS ENUM ('x')",
    "COMMENT ON COLUMN t.a IS 'new'",
    "DROP TABLE t CASCADE",
)


@pytest.mark.parametrize("statement", SMALL)
def test_a_small_change_is_seen_without_reading_everything(
    monkeypatch: pytest.MonkeyPatch, embedded_server: Server, statement: str
) -> None:
    with (
        small_database(embedded_server) as url,
        open_connection(url) as worker,
        open_connection(url) as session,
    ):
        watch = SchemaWatch()
        watch.look(session, VersionTable())
        monkeypatch.delattr(SchemaWatch, "_read_all")
        assert run(worker, statement)

        assert watch.look(session, VersionTable()) == whole(worker)


@contextmanager
def small_database(server: Server) -> Iterator[str]:
    with database(server) as name:
        url = server.url(name)
        with open_connection(url) as connection:
            for statement in SCHEMA:
                connection.execute(statement.encode())
        yield url


def test_what_is_known_of_a_database_holds_in_another_session_and_in_a_copy(
    monkeypatch: pytest.MonkeyPatch, embedded_server: Server
) -> None:
    with database(embedded_server) as name:
        watch = SchemaWatch()
        with open_connection(embedded_server.url(name)) as session:
            for statement in SCHEMA:
                session.execute(statement.encode())
            watch.look(session, VersionTable())
        monkeypatch.delattr(SchemaWatch, "_read_all")
        with database(embedded_server, name) as copy:
            url = embedded_server.url(copy)
            with open_connection(url) as worker, open_connection(url) as session:
                worker.execute(b"CREATE TABLE n (id int)")

                assert watch.look(session, VersionTable()) == whole(worker)


def test_a_lost_session_is_an_error_of_ours_and_the_next_look_reads_everything(
    embedded_server: Server,
) -> None:
    with small_database(embedded_server) as url, open_connection(url) as worker:
        watch = SchemaWatch()
        with open_connection(url) as session:
            watch.look(session, VersionTable())
        worker.execute(b"CREATE TABLE n (id int)")

        with pytest.raises(DatabaseError, match="the schema cannot be read"):
            watch.look(session, VersionTable())

        with open_connection(url) as session:
            assert watch.look(session, VersionTable()) == whole(worker)
