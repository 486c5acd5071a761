"""A run that is cut off between a build and its row in the journal: nothing is built twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import InterruptedRunError
from safemigrate.execute import BuildProgressed
from tests.execute.building import DRIVERS, Building, indexes_of

if TYPE_CHECKING:
    from tests.execute.conftest import Database, Events, Runner


@pytest.fixture
def building(runner: Runner, db: Database) -> Building:
    """A project, the journal of which is there, and two tables without an index on `c`."""
    found = Building(runner)
    found.within("tables", "CREATE TABLE nothing (id int)")
    found.upgrade()
    db.execute("CREATE TABLE t (c text)")
    db.execute("CREATE TABLE p (c text) PARTITION BY LIST (c)")
    db.execute("CREATE TABLE p1 PARTITION OF p FOR VALUES IN ('a')")
    db.execute("CREATE TABLE p2 PARTITION OF p FOR VALUES IN ('b')")
    return found


def cut_off(building: Building, db: Database, *, revision: str) -> None:
    """Run a revision whose session ends before it can say that its first statement is done."""
    db.execute(
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN new; END $$"
    )
    db.execute(
        "CREATE TRIGGER cut BEFORE UPDATE ON safemigrate.statement FOR EACH ROW"
        f" WHEN (new.state = 'done' AND new.revision = '{revision}') EXECUTE FUNCTION cut()"
    )
    with pytest.raises(InterruptedRunError):
        building.upgrade()
    db.execute("DROP FUNCTION cut CASCADE")
    assert db.scalar("SELECT state FROM safemigrate.statement ORDER BY id DESC LIMIT 1") == "begun"


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_index_without_a_name_is_built_once(
    building: Building, db: Database, driver: str
) -> None:
    building.use_driver(driver)
    building.outside("index", "CREATE INDEX CONCURRENTLY ON t (lower(c)) WHERE c > 'b'")
    cut_off(building, db, revision="index")
    assert indexes_of(db, "t") == [("t_lower_idx", True)]
    building.upgrade()
    assert indexes_of(db, "t") == [("t_lower_idx", True)]
    assert db.versions() == ["index"]


def end_session(db: Database) -> None:
    """End the session of the migrations, and no other."""
    db.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name <> 'a test'"
        " AND application_name NOT LIKE 'safemigrate %'"
    )


def test_a_twin_from_before_is_not_taken_for_the_index(
    building: Building, db: Database, events: Events
) -> None:
    db.execute("CREATE INDEX ON t (c)")
    building.outside("index", "CREATE INDEX CONCURRENTLY ON t (c)")
    writer = db.connect(autocommit=False)
    writer.execute("INSERT INTO t VALUES ('a')")
    events.on(BuildProgressed, lambda: end_session(db))
    with pytest.raises(InterruptedRunError):
        building.upgrade()
    writer.rollback()
    # somebody clears up by hand
    db.execute("DROP INDEX IF EXISTS t_c_idx1")
    assert indexes_of(db, "t") == [("t_c_idx", True)]
    building.upgrade()
    assert indexes_of(db, "t") == [("t_c_idx", True), ("t_c_idx1", True)]


def test_an_index_of_partitions_without_a_name_is_built_once(
    building: Building, db: Database, events: Events
) -> None:
    building.outside("index", "CREATE INDEX CONCURRENTLY ON p (lower(c))")
    cuts: list[int | None] = []

    def cut_in_the_middle() -> None:
        part = events.of(BuildProgressed)[-1].part
        if part == 2 and not cuts:
            cuts.append(part)
            end_session(db)

    events.on(BuildProgressed, cut_in_the_middle)
    with pytest.raises(InterruptedRunError):
        building.upgrade()
    assert indexes_of(db, "p") == [("p_lower_idx", False)]
    cut_off(building, db, revision="index")
    assert indexes_of(db, "p") == [("p_lower_idx", True)]
    building.upgrade()
    assert indexes_of(db, "p") == [("p_lower_idx", True)]
    assert indexes_of(db, "p1") == [("p1_lower_idx", True)]
    assert db.versions() == ["index"]
