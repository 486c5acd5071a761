"""The index of a partitioned table is built partition by partition, beside the application."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from safemigrate.errors import RevisionFailedError, SafemigrateError
from safemigrate.execute import BuildProgressed, LeftoverRemoved, TableBusy
from tests.execute.building import DRIVERS, Building, leave_invalid, wait_until_old

if TYPE_CHECKING:
    from tests.execute.conftest import Database, Events, Runner

PARENT = '"My S"."P"'
CREATE = f'CREATE INDEX CONCURRENTLY i ON {PARENT} (c, lower("a%b") DESC) INCLUDE (id) WHERE c > 1'
# What the server makes of the same without CONCURRENTLY.
TREE = """
    SELECT c.relname, pg_get_indexdef(c.oid), indisvalid, level FROM pg_partition_tree('"My S".i')
    JOIN pg_class AS c ON c.oid = relid JOIN pg_index ON indexrelid = c.oid ORDER BY 1
"""


@pytest.fixture
def building(runner: Runner) -> Building:
    return Building(runner)


@pytest.fixture(autouse=True)
def tables(db: Database) -> None:
    db.execute('CREATE SCHEMA "My S"')
    db.execute(f'CREATE TABLE {PARENT} (id int, c int, "a%b" text) PARTITION BY RANGE (id)')
    db.execute(f'CREATE TABLE "My S".p1 PARTITION OF {PARENT} FOR VALUES FROM (0) TO (100)')
    db.execute(
        f'CREATE TABLE "P 2" PARTITION OF {PARENT} FOR VALUES FROM (100) TO (200)'
        " PARTITION BY LIST (c)"
    )
    db.execute('CREATE TABLE p21 PARTITION OF "P 2" FOR VALUES IN (1, 2, 3)')
    db.execute('CREATE TABLE p22 ("a%b" text, gone int, c int, id int)')
    db.execute("ALTER TABLE p22 DROP COLUMN gone")
    db.execute('ALTER TABLE "P 2" ATTACH PARTITION p22 DEFAULT')
    db.execute(f"INSERT INTO {PARENT} SELECT n, n % 5, n FROM generate_series(1, 199) AS n")  # noqa: S608 - a name of the test


def clean_tree(db: Database) -> list[tuple[object, ...]]:
    """Return what the server itself makes of the statement, and take it back."""
    db.execute(CREATE.replace(" CONCURRENTLY", ""))
    tree = db.rows(TREE)
    db.execute('DROP INDEX "My S".i')
    return tree


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_partition_gets_the_index_that_the_server_would_make(
    building: Building, db: Database, events: Events, driver: str
) -> None:
    expected = clean_tree(db)
    building.use_driver(driver)
    building.outside("first", CREATE)
    building.upgrade()
    assert db.rows(TREE) == expected
    told = [(event.part, event.parts) for event in events.of(BuildProgressed)]
    assert list(dict.fromkeys(told)) == [(1, 3), (2, 3), (3, 3)]


def test_no_name_is_needed(building: Building, db: Database) -> None:
    building.outside("first", f"CREATE INDEX CONCURRENTLY ON {PARENT} (c)")
    building.upgrade()
    names = "SELECT c.relname FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid"
    ours = "c.relname LIKE '%_c_idx' AND indisvalid ORDER BY 1"
    assert db.rows(f"{names} WHERE {ours}") == [
        ("P 2_c_idx",),
        ("P_c_idx",),
        ("p1_c_idx",),
        ("p21_c_idx",),
        ("p22_c_idx",),
    ]


def test_a_run_that_failed_half_way_goes_on(
    building: Building, db: Database, events: Events
) -> None:
    create = f"CREATE UNIQUE INDEX CONCURRENTLY i ON {PARENT} (id, c)"
    db.execute('INSERT INTO "P 2" VALUES (150, 1, 1), (150, 1, 1)')
    building.outside("first", create)
    with pytest.raises(SafemigrateError, match="23505"):
        building.upgrade()
    built = "SELECT indexrelid FROM pg_index WHERE indrelid = '\"My S\".p1'::regclass"
    done = db.rows(built)
    assert len(done) == 1
    assert [one.is_own for one in events.of(LeftoverRemoved)] == [True]
    db.execute('DELETE FROM "P 2" WHERE id = 150')
    building.upgrade()
    assert db.rows(built) == done
    assert {row[2] for row in db.rows(TREE)} == {True}
    assert len(db.rows(TREE)) == 5


def test_what_is_there_already_is_used(building: Building, db: Database) -> None:
    db.execute(
        'CREATE INDEX own ON "My S".p1 (c, lower("a%b") DESC NULLS FIRST) INCLUDE (id) WHERE c > 1'
    )
    db.execute("CREATE INDEX other ON p21 (c)")
    building.outside("first", CREATE)
    building.upgrade()
    tree = [row[0] for row in db.rows(TREE)]
    assert "own" in tree
    assert "other" not in tree
    assert len(tree) == 5


def test_the_leftovers_of_partitions_are_removed(
    building: Building, db: Database, events: Events
) -> None:
    leave_invalid(db, "CREATE UNIQUE INDEX CONCURRENTLY left_over ON p22 (c)")
    db.execute("DELETE FROM p22")
    building.outside("first", f"CREATE INDEX CONCURRENTLY ON {PARENT} (c)")
    building.upgrade()
    assert events.of(LeftoverRemoved) == []
    building.outside("second", f"CREATE UNIQUE INDEX CONCURRENTLY i ON {PARENT} (c, id)")
    db.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'left_over'::regclass")
    building.upgrade()
    assert {row[2] for row in db.rows(TREE)} == {True}


@pytest.mark.parametrize("definition", ["(c)", "(id)"])
def test_if_not_exists_compares_definitions(
    building: Building, db: Database, definition: str
) -> None:
    db.execute(f"CREATE INDEX i ON {PARENT} (c)")
    before = db.rows(TREE)
    building.outside("first", f"CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON {PARENT} {definition}")
    if definition == "(c)":
        building.upgrade()
    else:
        with pytest.raises(RevisionFailedError, match="is there and is another index"):
            building.upgrade()
    assert db.rows(TREE) == before


def test_a_name_that_is_taken_is_refused(building: Building, db: Database) -> None:
    db.execute(f"CREATE INDEX i ON {PARENT} (id)")
    building.outside("first", CREATE)
    with pytest.raises(RevisionFailedError, match="42P07"):
        building.upgrade()


def test_a_foreign_partition_is_told_before_anything_is_built(
    building: Building, db: Database
) -> None:
    db.execute("CREATE FOREIGN DATA WRAPPER w")
    db.execute("CREATE SERVER far FOREIGN DATA WRAPPER w")
    db.execute(
        f"CREATE FOREIGN TABLE f PARTITION OF {PARENT} FOR VALUES FROM (200) TO (300) SERVER far"
    )
    building.outside("first", CREATE)
    with pytest.raises(RevisionFailedError, match=r'"public\.f" is a foreign table') as caught:
        building.upgrade()
    assert "nothing was changed" in caught.value.hint
    assert db.scalar("SELECT to_regclass('\"My S\".i') IS NULL") is True


@pytest.mark.parametrize(
    "used",
    [
        f"INSERT INTO {PARENT} VALUES (50, 1)",  # noqa: S608 - a name of the test
        # who reads a partition holds its indexes
        'SELECT FROM "My S".p1',
    ],
)
def test_the_short_locks_are_waited_for_outside_the_queue(
    building: Building, db: Database, events: Events, used: str
) -> None:
    db.execute('CREATE INDEX own ON "My S".p1 (c)')
    user = db.connect(autocommit=False)
    user.execute(used.encode())
    wait_until_old(db, user)
    queued: list[object] = []

    def let_go() -> None:
        queued.append(db.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        user.rollback()

    building.outside("first", f"CREATE INDEX CONCURRENTLY i ON {PARENT} (c)")
    events.on(TableBusy, let_go)
    building.upgrade()
    assert queued == [0]
    assert "own" in [row[0] for row in db.rows(TREE)]
    assert {row[2] for row in db.rows(TREE)} == {True}
