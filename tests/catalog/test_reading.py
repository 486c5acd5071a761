"""The schema of a server as a catalog: the one that the SQL it was built with makes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow
from sqlalchemy.engine import make_url

from safemigrate.catalog import (
    CatalogSnapshot,
    catalog_of_sql,
    decode_snapshot,
    encode_snapshot,
    read_server,
)
from safemigrate.errors import DatabaseError
from safemigrate.model import Catalog, ConstraintKind, QualifiedName, ServerVersion, Tables
from safemigrate.server import Server
from tests.postgres.versions import ProofServers, proof_versions

RICH = (Path(__file__).parent / "rich_schema.sql").read_text("utf-8")

# What later majors brought.
LATER = {
    15: "CREATE UNIQUE INDEX one ON app.recipe USING btree (title) NULLS NOT DISTINCT;",
    18: """
        CREATE TABLE app.newest (
            a integer, b integer GENERATED ALWAYS AS ((a * 2)) VIRTUAL,
            CONSTRAINT loose CHECK ((a > 0)) NOT ENFORCED
        );
        ALTER TABLE app.newest ADD CONSTRAINT later NOT NULL a NOT VALID;
        """,
}

Session = psycopg.Connection[TupleRow]


def open_session(url: str) -> Session:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


@pytest.fixture
def session(database: str) -> Iterator[Session]:
    with open_session(database) as opened:
        yield opened


@pytest.fixture(params=proof_versions())
def server(request: pytest.FixtureRequest, proof_servers: ProofServers) -> Server:
    """A server of each major that is proved on."""
    return proof_servers[request.param]


@contextmanager
def rich_database(server: Server) -> Iterator[tuple[Session, str]]:
    """Yield a database with the rich schema, and the SQL that it was built with."""
    added = (sql for major, sql in LATER.items() if server.version.major >= major)
    text = "\n".join((RICH, *added))
    with empty_database(server) as session:
        execute(session, text)
        yield session, text


@contextmanager
def empty_database(server: Server) -> Iterator[Session]:
    made = server.create_database()
    with open_session(server.url(made)) as session:
        yield session
    server.drop_database(made)


def execute(session: Session, sql: str) -> Sequence[Sequence[object]]:
    cursor = session.execute(sql.encode())
    return cursor.fetchall() if cursor.description else ()


def read(session: Session) -> CatalogSnapshot:
    return read_server(lambda query: execute(session, query))


def without_identities(catalog: Catalog) -> Catalog:
    tables = {
        name: replace(table, identity=0, row_count=None, size_bytes=None)
        for name, table in catalog.tables.items()
    }
    return replace(catalog, tables=Tables(tables), next_identity=0)


def name(text: str) -> QualifiedName:
    schema, _, bare = text.rpartition(".")
    return QualifiedName(schema or "public", bare)


def test_a_rich_schema_is_read_as_its_sql_is(server: Server) -> None:
    with rich_database(server) as (session, text):
        snapshot = read(session)
    expected = catalog_of_sql(text, "rich_schema.sql")
    assert len(expected.tables) > 10
    assert snapshot.unread == ()
    assert without_identities(snapshot.catalog()) == without_identities(expected)


def test_the_statements_build_the_same_schema_again(server: Server) -> None:
    with rich_database(server) as (session, _), empty_database(server) as copy:
        # a function of the language internal cannot be made of an empty body
        first = [one for one in read(session).statements if "LANGUAGE internal" not in one]
        for statement in first:
            execute(copy, statement)
        second = read(copy)
    assert sorted(second.statements) == sorted(first)


TYPES = (
    "bigint",
    "bigserial",
    "boolean",
    "bytea",
    "character varying(20)",
    "character(3)",
    "date",
    "integer",
    "integer[]",
    "interval",
    "jsonb",
    "made.mood",
    "made.positive",
    "numeric(10,2)",
    "serial",
    "smallint",
    "text",
    "text[]",
    "timestamp without time zone",
    "timestamp(3) with time zone",
    "uuid",
)
DEFAULTS = {"boolean": "true", "date": "CURRENT_DATE", "integer": "7", "text": "'x''y'::text"}
PRELUDE = (
    "CREATE SCHEMA made",
    "CREATE TYPE made.mood AS ENUM ('sad', 'ok')",
    "CREATE DOMAIN made.positive AS integer CHECK ((VALUE > 0))",
)


@st.composite
def tables(draw: st.DrawFn, number: int) -> list[str]:
    """Draw a table with constraints and indexes, in PostgreSQL's own words."""
    table = f'made."T{number}"'
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=5))
    columns = []
    for position, type_ in enumerate(types):
        column = f"c{position} {type_}"
        if type_ in DEFAULTS and draw(st.booleans()):
            column += f" DEFAULT {DEFAULTS[type_]}"
        columns.append(column + (" NOT NULL" if draw(st.booleans()) else ""))
    persistence = draw(st.sampled_from(["", "UNLOGGED "]))
    statements = [f"CREATE {persistence}TABLE {table} (id integer, {', '.join(columns)})"]
    key = draw(st.sampled_from(["PRIMARY KEY", "UNIQUE"]))
    statements.append(f"ALTER TABLE {table} ADD CONSTRAINT key_{number} {key} (id)")
    for position in range(len(types)):
        column = f"c{position}"
        match draw(st.integers(0, 4)):
            case 0:
                valid = draw(st.sampled_from(["", " NOT VALID"]))
                check = f"CHECK ((({column} IS NOT NULL) AND (id > 0))){valid}"
                statements.append(f"ALTER TABLE {table} ADD CONSTRAINT check_{position} {check}")
            case 1:
                unique = draw(st.sampled_from(["", "UNIQUE "]))
                order = draw(st.sampled_from(["", " DESC", " NULLS FIRST"]))
                where = draw(st.sampled_from(["", " WHERE (id > 3)"]))
                index = f"i_{number}_{position}"
                statements.append(
                    f"CREATE {unique}INDEX {index} ON {table} USING btree ({column}{order}){where}"
                )
            case 2 if number and not persistence:
                action = draw(st.sampled_from(["", " ON DELETE CASCADE", " NOT VALID"]))
                foreign = f'FOREIGN KEY (id) REFERENCES made."T0"(id){action}'
                statements.append(f"ALTER TABLE {table} ADD CONSTRAINT fk_{position} {foreign}")
    return statements


@pytest.fixture(scope="module")
def shared(embedded_server: Server) -> Iterator[Session]:
    with empty_database(embedded_server) as opened:
        yield opened


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_schema_is_read_as_its_sql_is(shared: Session, data: st.DataObject) -> None:
    first = data.draw(tables(0).filter(lambda made: "UNLOGGED" not in made[0]))
    text = ";\n".join((*PRELUDE, *first, *data.draw(tables(1))))
    execute(shared, f"DROP SCHEMA IF EXISTS made CASCADE;\n{text}")
    snapshot = read(shared)
    found = decode_snapshot(encode_snapshot(snapshot), "snapshot.json").catalog()
    assert without_identities(found) == without_identities(catalog_of_sql(text, "made.sql"))


def test_sizes_are_those_of_the_server(session: Session) -> None:
    execute(
        session,
        """
        CREATE TABLE seen (id integer PRIMARY KEY);
        INSERT INTO seen SELECT generate_series(1, 250);
        ANALYZE seen;
        CREATE TABLE unseen AS SELECT 1 AS a;
        CREATE MATERIALIZED VIEW kept AS SELECT * FROM seen;
        ANALYZE kept;
        CREATE VIEW looked AS SELECT * FROM seen;
        """,
    )
    snapshot = read(session)
    catalog = snapshot.catalog()
    ((size,),) = execute(session, "SELECT pg_total_relation_size('seen')")
    seen = catalog.tables[name("seen")]
    assert (seen.row_count, seen.size_bytes) == (250, size)
    assert catalog.tables[name("unseen")].row_count is None
    assert catalog.tables[name("kept")].row_count == 250
    assert catalog.tables[name("looked")].row_count is None
    assert name("looked") not in snapshot.sizes


def test_no_data_is_read(session: Session) -> None:
    execute(
        session,
        """
        CREATE TABLE person (name text);
        INSERT INTO person SELECT 'Rumpelstiltskin' FROM generate_series(1, 100);
        ANALYZE person;
        COMMENT ON TABLE person IS 'Rumpelstiltskin';
        """,
    )
    assert "Rumpelstiltskin" not in encode_snapshot(read(session))


def test_a_password_in_a_definition_is_left_out(session: Session) -> None:
    execute(
        session,
        """
        CREATE FUNCTION far() RETURNS text LANGUAGE plpgsql AS $$
        BEGIN RETURN 'host=db user=a password=hunter2'; END $$;
        """,
    )
    snapshot = read(session)
    assert "hunter2" not in encode_snapshot(snapshot)
    assert name("far") in snapshot.catalog().functions


def test_alembics_version_tables_are_left_out_by_whatever_name(session: Session) -> None:
    execute(
        session,
        """
        CREATE SCHEMA app;
        CREATE TABLE alembic_version (
            version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
        );
        INSERT INTO alembic_version VALUES ('bbbb');
        CREATE TABLE app.version (version_num varchar(32) NOT NULL);
        INSERT INTO app.version VALUES ('aaaa');
        CREATE TABLE app.other (version_num varchar(40) NOT NULL);
        """,
    )
    snapshot = read(session)
    assert snapshot.revisions == ("aaaa", "bbbb")
    assert set(snapshot.catalog().tables) == {name("app.other")}
    assert set(snapshot.sizes) == {name("app.other")}
    assert not any("alembic" in statement for statement in snapshot.statements)


def test_our_own_schema_and_temporary_tables_are_left_out(session: Session) -> None:
    execute(
        session,
        """
        CREATE SCHEMA safemigrate;
        CREATE TABLE safemigrate.history (id integer);
        CREATE TEMPORARY TABLE passing (id integer);
        DROP SCHEMA public;
        """,
    )
    snapshot = read(session)
    assert snapshot.statements == ("DROP SCHEMA public",)
    assert snapshot.catalog().schemas == frozenset()


def test_a_not_null_that_is_not_valid_proves_nothing_yet(session: Session) -> None:
    execute(
        session,
        """
        CREATE TABLE t (a integer, b integer, c integer NOT NULL);
        ALTER TABLE t ADD CONSTRAINT later NOT NULL a NOT VALID;
        ALTER TABLE t ADD CONSTRAINT named NOT NULL b;
        """,
    )
    table = read(session).catalog().tables[name("t")]
    assert [column.is_not_null for column in table.columns.values()] == [False, True, True]
    assert {one.name: (one.kind, one.is_valid) for one in table.constraints.values()} == {
        "later": (ConstraintKind.NOT_NULL, False),
        "named": (ConstraintKind.NOT_NULL, True),
    }


def test_what_is_not_enforced_is_read_so(session: Session) -> None:
    execute(session, "CREATE TABLE t (a integer CONSTRAINT loose CHECK (a > 0) NOT ENFORCED)")
    constraint = read(session).catalog().tables[name("t")].constraints["loose"]
    assert (constraint.is_enforced, constraint.is_valid) == (False, False)


def test_what_is_not_understood_is_named_and_leaves_the_catalog_incomplete(
    session: Session,
) -> None:
    execute(
        session,
        """
        SET check_function_bodies = off;
        CREATE TABLE t (a integer);
        CREATE FUNCTION broken() RETURNS integer LANGUAGE plpgsql AS 'BEGIN RETURN 1';
        """,
    )
    snapshot = read(session)
    assert snapshot.unread == ("CREATE OR REPLACE FUNCTION public.broken()",)
    assert decode_snapshot(encode_snapshot(snapshot), "x") == snapshot
    catalog = snapshot.catalog()
    assert not catalog.is_complete
    assert set(catalog.tables) == {name("t")}


def test_the_session_is_as_it_was_before(session: Session) -> None:
    execute(session, "SET search_path = 'pg_catalog'")
    sent: list[str] = []

    def ask(query: str) -> Sequence[Sequence[object]]:
        sent.append(query)
        return execute(session, query)

    snapshot = read_server(ask)
    assert snapshot.server_version == ServerVersion(session.info.server_version // 10000)
    assert "READ ONLY" in sent[0]
    assert session.info.transaction_status is TransactionStatus.IDLE
    assert execute(session, "SHOW search_path") == [("pg_catalog",)]


def test_a_server_that_is_too_old_is_refused() -> None:
    with pytest.raises(DatabaseError, match="PostgreSQL 13, which is not supported"):
        read_server(lambda query: [(13,)] if "server_version_num" in query else [])
