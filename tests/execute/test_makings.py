"""The tables that a run has made itself, and what is left out for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection

from safemigrate.errors import SafemigrateError
from safemigrate.execute.makings import Makings
from safemigrate.model import Catalog, Direction, Migration, Passage, QualifiedName, ServerVersion
from safemigrate.plan import Foresight
from tests.execute.building import DRIVERS, Building

if TYPE_CHECKING:
    from tests.execute.conftest import Database, Runner

NEW = QualifiedName("public", "new")
BEFORE = "CREATE TABLE old (id int PRIMARY KEY)"


@pytest.fixture
def connection() -> Connection:
    """One that reaches nothing: it only stands for itself."""
    return Connection(create_engine("postgresql+psycopg://"), connection=object())  # type: ignore[arg-type]  # never used


def make_foresight() -> Foresight:
    migration, nothing = Migration("r.py", "", "r"), Catalog()
    passage = Passage(migration, Direction.UPGRADE, nothing, nothing, (), ServerVersion(18))
    foresight = Foresight(passage)
    foresight.look(BEFORE, is_autocommit=False)
    return foresight


def note(makings: Makings, connection: Connection, *statements: str) -> None:
    foresight = make_foresight()
    for statement in statements:
        foreseen = foresight.look(statement, is_autocommit=False)
        makings.note(connection, foreseen, is_autocommit=False)


def test_a_table_counts_once_it_is_committed(connection: Connection) -> None:
    makings = Makings()
    note(makings, connection, "CREATE TABLE new (id int PRIMARY KEY)", "CREATE INDEX i ON new (id)")
    assert not makings.has(NEW)
    makings.commit(connection)
    assert makings.has(NEW)


def test_what_is_rolled_back_does_not_count(connection: Connection) -> None:
    makings = Makings()
    note(makings, connection, "CREATE TABLE new (id int)")
    makings.rollback(connection)
    makings.commit(connection)
    assert not makings.has(NEW)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE new ADD b text DEFAULT ''",
        "COMMENT ON COLUMN new.id IS 'x'",
        "ALTER TABLE old ADD b text",
        "CREATE TABLE newer (id int REFERENCES new)",
        "DROP INDEX i",
    ],
)
def test_it_still_counts_after(statement: str, connection: Connection) -> None:
    makings = Makings()
    note(
        makings,
        connection,
        "CREATE TABLE new (id int PRIMARY KEY)",
        "CREATE INDEX i ON new (id)",
        statement,
    )
    makings.commit(connection)
    assert makings.has(NEW)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE old ADD FOREIGN KEY (id) REFERENCES new",
        "ALTER TABLE new ADD FOREIGN KEY (id) REFERENCES old",
        "ALTER TABLE new INHERIT old",
        "ALTER TABLE new RENAME TO newer",
        "ALTER TABLE old RENAME TO older",
        "ALTER TABLE old SET SCHEMA elsewhere",
        "DROP TABLE new",
        "CREATE VIEW seen AS SELECT id FROM new",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TRIGGER t AFTER INSERT ON old EXECUTE FUNCTION f()",
        "DO $$ BEGIN EXECUTE 'ALTER TABLE old RENAME TO older'; END $$",
        "SET search_path = other",
        "ROLLBACK TO SAVEPOINT s",
        "nonsense",
    ],
)
def test_it_does_not_count_after(statement: str, connection: Connection) -> None:
    makings = Makings()
    note(makings, connection, "CREATE TABLE new (id int PRIMARY KEY)", statement)
    makings.commit(connection)
    assert not makings.has(NEW)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE IF NOT EXISTS new (id int)",
        "CREATE TEMPORARY TABLE new (id int)",
        "CREATE TABLE new (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE new () INHERITS (old)",
    ],
)
def test_a_table_never_counts_that_is_made_by(statement: str, connection: Connection) -> None:
    makings = Makings()
    note(makings, connection, statement)
    makings.commit(connection)
    assert not makings.has(NEW)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_build_on_such_a_table_that_fails_leaves_nothing(
    driver: str, runner: Runner, db: Database
) -> None:
    building = Building(runner)
    building.use_driver(driver)
    building.within("a1", "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1), (1)")
    building.outside("b2", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (v)")
    with pytest.raises(SafemigrateError, match="could not create unique index"):
        building.upgrade()
    assert db.has("t")
    assert not db.has("i")


def test_a_constraint_of_such_a_table_is_validated(runner: Runner, db: Database) -> None:
    building = Building(runner)
    building.within("a1", "CREATE TABLE t (v int)", "INSERT INTO t VALUES (1)")
    building.within("b2", "ALTER TABLE t ADD CONSTRAINT c CHECK (v > 0) NOT VALID")
    building.within("c3", "ALTER TABLE t VALIDATE CONSTRAINT c", "ALTER TABLE t ADD w int")
    building.outside("d4", "CREATE INDEX CONCURRENTLY i ON t (v)")
    building.upgrade()
    assert db.scalar("SELECT convalidated FROM pg_constraint WHERE conname = 'c'") is True
    assert db.scalar("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass") is True
