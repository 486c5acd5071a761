"""H19: no index is left invalid."""

from safemigrate.model import Property, Standing
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int)\nINSERT INTO t VALUES (1, 1), (2, 1)"
# The build fails on two equal values, leaves its index, and nobody hears of it.
SWALLOWING = """
with op.get_context().autocommit_block():
    try:
        op.execute("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)")
    except sa.exc.IntegrityError:
        pass
"""
DROPPING = """
with op.get_context().autocommit_block():
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS i")
"""


def violate(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", SWALLOWING, DROPPING)


def test_what_a_failed_build_leaves_is_broken(anywhere: Scaffold) -> None:
    violate(anywhere)

    check = anywhere.check(Property.LEAVES_NOTHING_INVALID)

    assert check.standing is Standing.BROKEN
    assert check.reason == "index public.i is left invalid"


def test_a_build_that_succeeds_holds(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", SWALLOWING.replace("UNIQUE ", ""), DROPPING)

    assert anywhere.check(Property.LEAVES_NOTHING_INVALID).standing is Standing.HOLDS


def test_no_other_property_of_the_schema_is_broken_by_it(scaffold: Scaffold) -> None:
    violate(scaffold)

    assert scaffold.broken(selected=("schema",)) == {Property.LEAVES_NOTHING_INVALID}


def test_an_index_that_was_invalid_before_is_not_its_fault(scaffold: Scaffold) -> None:
    violate(scaffold)
    scaffold.add("three", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")

    assert scaffold.check(Property.LEAVES_NOTHING_INVALID).standing is Standing.HOLDS


def test_several_are_all_named(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        f"{SWALLOWING.strip()}\n{SWALLOWING.replace(' i ', ' j ').strip()}",
        f"{DROPPING.strip()}\n{DROPPING.replace(' i', ' j').strip()}",
    )

    check = scaffold.check(Property.LEAVES_NOTHING_INVALID)

    assert check.reason == "indexes public.i, public.j are left invalid"


def test_an_index_of_a_partitioned_table_that_waits_for_its_partitions_is_named(
    scaffold: Scaffold,
) -> None:
    scaffold.add(
        "one",
        "CREATE TABLE p (id int) PARTITION BY RANGE (id)\n"
        "CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (9)",
        "DROP TABLE p",
    )
    scaffold.add("two", "CREATE INDEX i ON ONLY p (id)", "DROP INDEX i")

    check = scaffold.check(Property.LEAVES_NOTHING_INVALID)

    assert (check.standing, check.reason) == (Standing.BROKEN, "index public.i is left invalid")
