"""Foreign keys of partitions that are attached and detached."""

import pytest

from safemigrate.catalog import catalog_of_sql, foreign_keys, shared_keys
from safemigrate.model import QualifiedName

SCHEMA = """
CREATE TABLE far (id bigint PRIMARY KEY, code text UNIQUE);
CREATE TABLE p (id bigint, a bigint CONSTRAINT p_a REFERENCES far) PARTITION BY LIST (id);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
CREATE TABLE sub PARTITION OF p FOR VALUES IN (2, 3) PARTITION BY LIST (id);
CREATE TABLE sub_2 PARTITION OF sub FOR VALUES IN (2);
ALTER TABLE sub ADD CONSTRAINT sub_id FOREIGN KEY (id) REFERENCES far;
CREATE TABLE own (id bigint, a bigint CONSTRAINT own_a REFERENCES far (id));
"""
ATTACH = "ALTER TABLE p ATTACH PARTITION own FOR VALUES IN (9);"


def keys_after(sql: str, table: str) -> dict[str, tuple[str, ...]]:
    """Return the columns of the table's own foreign keys, by name."""
    catalog = catalog_of_sql(SCHEMA + sql, "schema.sql")
    found = foreign_keys(catalog.table(QualifiedName(None, table)))
    return {key.name: key.columns for key in found}


@pytest.mark.parametrize("way", ["", " CONCURRENTLY"])
def test_a_partition_that_is_detached_keeps_the_keys_of_its_parent(way: str) -> None:
    assert keys_after("", "p_1") == {}
    assert keys_after(f"ALTER TABLE p DETACH PARTITION p_1{way};", "p_1") == {"p_a": ("a",)}


def test_it_keeps_those_of_every_level_above() -> None:
    assert keys_after("ALTER TABLE sub DETACH PARTITION sub_2;", "sub_2") == {
        "sub_id": ("id",),
        "p_a": ("a",),
    }
    assert keys_after("ALTER TABLE p DETACH PARTITION sub;", "sub_2") == {}


def test_a_name_that_is_taken_is_chosen_anew() -> None:
    taken = "ALTER TABLE p_1 ADD CONSTRAINT p_a CHECK (id > 0);"
    assert keys_after(f"{taken} ALTER TABLE p DETACH PARTITION p_1;", "p_1") == {
        "p_1_a_fkey": ("a",)
    }


def test_a_key_that_it_brought_along_leaves_with_it_once() -> None:
    there_and_back = f"{ATTACH} ALTER TABLE p DETACH PARTITION own;"
    assert keys_after(there_and_back * 2, "own") == {"own_a": ("a",)}


def test_a_key_of_other_columns_is_no_part_of_the_parents() -> None:
    other = "ALTER TABLE own DROP CONSTRAINT own_a, ADD CONSTRAINT o FOREIGN KEY (id) REFERENCES p;"
    assert keys_after(f"{other} {ATTACH} ALTER TABLE p DETACH PARTITION own;", "own") == {
        "o": ("id",),
        "p_a": ("a",),
    }


def test_a_key_that_became_part_of_the_parents_goes_with_it() -> None:
    drop = "ALTER TABLE p DROP CONSTRAINT p_a;"
    assert keys_after(f"{ATTACH} {drop}", "own") == {}
    assert keys_after(drop, "own") == {"own_a": ("a",)}
    second = "ALTER TABLE p ADD CONSTRAINT second FOREIGN KEY (a) REFERENCES far;"
    assert keys_after(f"{second} {ATTACH} {drop}", "own") == {"own_a": ("a",)}


def test_a_key_to_other_columns_of_the_far_table_is_another() -> None:
    sql = "CREATE TABLE t (a text CONSTRAINT c REFERENCES far (code)) PARTITION BY LIST (a);"
    catalog = catalog_of_sql(
        f"{SCHEMA}{sql} ALTER TABLE t ADD CONSTRAINT d FOREIGN KEY (a) REFERENCES far;"
        "CREATE TABLE t_1 PARTITION OF t DEFAULT;"
        "ALTER TABLE t_1 ADD CONSTRAINT e FOREIGN KEY (a) REFERENCES far (code);"
        "ALTER TABLE t DROP CONSTRAINT c;",
        "schema.sql",
    )
    assert foreign_keys(catalog.table(QualifiedName(None, "t_1"))) == ()
    assert [key.name for key in shared_keys(catalog, QualifiedName(None, "t"))] == ["d"]
