"""Whether a statement that was begun is done, the catalog shows."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from safemigrate.catalog import read_server
from safemigrate.execute.builds import Probe, probe
from safemigrate.execute.clearance import _rows
from safemigrate.facts import walk
from safemigrate.model import Direction, History, Migration, ServerVersion, Span, Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection

    from tests.execute.conftest import Database

Ask = "Callable[[str], Probe]"


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    engine = create_engine(database, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with closing(engine.connect()) as opened:
        yield opened


@pytest.fixture
def probing(connection: Connection) -> Callable[[str], Probe]:
    """Ask about a statement that was about to be sent to the database as it was at first."""
    snapshot = read_server(lambda sql: _rows(connection, sql))
    catalog = snapshot.catalog("the database")

    def ask(sql: str) -> Probe:
        statement = Statement(sql, "f", Span(1, 1, 1, 1), "r", Direction.UPGRADE, 1, None)
        history = History((Migration("f", "", upgrade=(statement,)),))
        passage = walk(history, before=catalog, version=ServerVersion(18)).passages[0]
        answer = probe(connection, passage.statements[0])
        # nothing is left of the question
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
        return answer

    return ask


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    db.execute("CREATE SCHEMA s")
    db.execute("CREATE TABLE t (id int, c text)")
    db.execute("INSERT INTO t VALUES (1, 'x'), (2, 'x')")
    db.execute('CREATE TABLE s."T" (id int)')
    db.execute("CREATE TYPE mood AS ENUM ('sad')")
    db.execute("CREATE TABLE p (id int) PARTITION BY RANGE (id)")
    db.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)")
    db.execute("ALTER TABLE t ADD CONSTRAINT k CHECK (id > 0) NOT VALID")
    db.execute("CREATE INDEX old ON t (id)")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY i ON t (c)",
        "CREATE INDEX CONCURRENTLY ON t (lower(c))",
        "CREATE INDEX CONCURRENTLY i ON t ((c || 'x')) WHERE c IN ('a', 'b')",
        'CREATE UNIQUE INDEX CONCURRENTLY "I ""x" ON s."T" (id) INCLUDE (id)',
        "CREATE INDEX i ON p (id)",
        "DROP INDEX CONCURRENTLY old",
        "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
        "ALTER TABLE t VALIDATE CONSTRAINT k",
        "ALTER TYPE mood ADD VALUE 'merry'",
        "ALTER TABLE t ADD COLUMN d int",
        "ALTER TABLE t DROP COLUMN c",
        "CREATE TABLE n (id int)",
        "DROP TABLE t",
    ],
)
def test_what_is_done_is_told_from_what_is_not(
    db: Database, probing: Callable[[str], Probe], statement: str
) -> None:
    assert probing(statement) is Probe.NOT_DONE
    db.execute(statement)
    assert probing(statement) is Probe.DONE


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY old ON t (c)",
        "CREATE INDEX CONCURRENTLY old ON t (id) WHERE id > 1",
        "REINDEX INDEX CONCURRENTLY old",
    ],
)
def test_another_index_of_the_name_is_not_the_one(
    probing: Callable[[str], Probe], statement: str
) -> None:
    assert probing(statement) is Probe.NOT_DONE


@pytest.mark.parametrize(
    "statement",
    ["VACUUM t", "UPDATE t SET id = 1", "ALTER TABLE nowhere VALIDATE CONSTRAINT k", ""],
)
def test_what_the_catalog_cannot_tell_is_unknown(
    probing: Callable[[str], Probe], statement: str
) -> None:
    assert probing(statement or "not SQL") is Probe.UNKNOWN


def test_an_invalid_index_is_a_leftover(db: Database, probing: Callable[[str], Probe]) -> None:
    create = "CREATE UNIQUE INDEX CONCURRENTLY i ON t (c)"
    with pytest.raises(psycopg.errors.UniqueViolation):
        db.execute(create)
    assert probing(create) is Probe.LEFTOVER
    assert probing("DROP INDEX CONCURRENTLY i") is Probe.LEFTOVER


def test_the_index_of_a_parent_without_its_partitions_is_a_leftover(
    db: Database, probing: Callable[[str], Probe]
) -> None:
    db.execute("CREATE INDEX i ON ONLY p (id)")
    assert probing("CREATE INDEX CONCURRENTLY i ON p (id)") is Probe.LEFTOVER


def test_a_partition_that_is_detached_by_half_is_a_leftover(
    db: Database, probing: Callable[[str], Probe]
) -> None:
    finalize = "ALTER TABLE p DETACH PARTITION p1 FINALIZE"
    db.execute("UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'p1'::regclass")
    assert probing("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY") is Probe.LEFTOVER
    assert probing(finalize) is Probe.NOT_DONE
    db.execute(finalize)
    assert probing(finalize) is Probe.DONE


def test_no_right_to_temporary_tables_is_needed(
    db: Database, connection: Connection, probing: Callable[[str], Probe]
) -> None:
    create = "CREATE INDEX CONCURRENTLY i ON t (lower(c))"
    db.execute(create)
    role = db.scalar("SELECT 'r' || oid FROM pg_database WHERE datname = current_database()")
    db.execute(f'CREATE ROLE "{role}"')
    try:
        database = db.scalar("SELECT current_database()")
        db.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
        db.execute(f'GRANT CREATE, USAGE ON SCHEMA public TO "{role}"')
        db.execute(f'ALTER TABLE t OWNER TO "{role}"')
        connection.exec_driver_sql(f'SET ROLE "{role}"')
        assert probing(create) is Probe.DONE
        connection.exec_driver_sql("RESET ROLE")
        assert not db.has("safemigrate_copy")
    finally:
        db.execute(f'DROP OWNED BY "{role}" CASCADE')
        db.execute(f'DROP ROLE "{role}"')
