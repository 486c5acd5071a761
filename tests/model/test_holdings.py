"""What refers to a table is found without looking at all tables, and is always the same."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from safemigrate.catalog import apply_actions, settle
from safemigrate.model import Catalog, Indexes, QualifiedName, Tables
from safemigrate.sql import read_actions

TABLES = st.sampled_from(["a", "b", "c", "d"])

STATEMENTS = st.one_of(
    st.builds("CREATE TABLE {} (id int PRIMARY KEY, x int)".format, TABLES),
    st.builds("CREATE TABLE {} (y int REFERENCES {} (id))".format, TABLES, TABLES),
    st.builds("CREATE TABLE {} (id int) INHERITS ({})".format, TABLES, TABLES),
    st.builds("CREATE TABLE {} (id int) PARTITION BY RANGE (id)".format, TABLES),
    st.builds("CREATE TABLE {} PARTITION OF {} DEFAULT".format, TABLES, TABLES),
    st.builds("ALTER TABLE {} ATTACH PARTITION {} DEFAULT".format, TABLES, TABLES),
    st.builds("ALTER TABLE {} DETACH PARTITION {}".format, TABLES, TABLES),
    st.builds("ALTER TABLE {} INHERIT {}".format, TABLES, TABLES),
    st.builds("ALTER TABLE {} NO INHERIT {}".format, TABLES, TABLES),
    st.builds("CREATE VIEW {} AS SELECT * FROM {}".format, TABLES, TABLES),
    st.builds("ALTER TABLE {} ADD FOREIGN KEY (x) REFERENCES {} (id)".format, TABLES, TABLES),
    st.builds("ALTER TABLE {0} DROP CONSTRAINT {0}_y_fkey".format, TABLES),
    st.builds("ALTER TABLE {} RENAME TO {}".format, TABLES, TABLES),
    st.builds("ALTER TABLE {} RENAME COLUMN x TO z".format, TABLES),
    st.builds("CREATE INDEX {1}_i ON {0} (x)".format, TABLES, TABLES),
    st.builds("ALTER INDEX {}_i RENAME TO {}_j".format, TABLES, TABLES),
    st.builds("DROP INDEX {}_i".format, TABLES),
    st.builds("DROP TABLE {} CASCADE".format, TABLES),
)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(STATEMENTS, max_size=12))
def test_what_is_kept_step_by_step_is_what_is_worked_out_at_once(statements: list[str]) -> None:
    catalog = Catalog()
    for sql in statements:
        catalog = apply_actions(catalog, read_actions(sql))
    assert listed(catalog.tables.mentions) == listed(Tables(catalog.tables).mentions)
    assert listed(catalog.indexes.by_table) == listed(Indexes(catalog.indexes).by_table)
    assert catalog.tables.by_identity == Tables(catalog.tables).by_identity
    assert catalog.tables.passing == Tables(catalog.tables).passing
    assert catalog.indexes.bare_names == Indexes(catalog.indexes).bare_names


def test_what_is_temporary_hides_what_has_its_name_until_the_session_ends() -> None:
    catalog = Catalog()
    for sql in ("CREATE TABLE t (a int)", "CREATE TEMP TABLE t (b int)"):
        catalog = apply_actions(catalog, read_actions(sql))
    name = QualifiedName(None, "t")
    assert catalog.resolve(name) == QualifiedName("pg_temp", "t")
    assert settle(catalog).resolve(name) == QualifiedName("public", "t")


def listed(
    names: Mapping[QualifiedName, tuple[QualifiedName, ...]],
) -> dict[QualifiedName, list[QualifiedName]]:
    return {name: sorted(found) for name, found in names.items() if found}
