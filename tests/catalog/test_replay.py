import psycopg
import pytest

from safemigrate.catalog import apply_actions, catalog_of_sql, settle
from safemigrate.errors import SqlSyntaxError
from safemigrate.model import (
    Catalog,
    ColumnType,
    ConstraintKind,
    Persistence,
    QualifiedName,
    RelationKind,
)
from safemigrate.sql import read_actions, split_statements


def after(sql: str, before: Catalog | None = None) -> Catalog:
    catalog = before or Catalog()
    for statement in split_statements(sql):
        catalog = apply_actions(catalog, read_actions(statement.sql))
    return catalog


def public(name: str) -> QualifiedName:
    return QualifiedName("public", name)


def test_create_table_keeps_columns_types_and_keys() -> None:
    catalog = after("CREATE TABLE t (id bigserial PRIMARY KEY, name varchar(20) NOT NULL UNIQUE)")

    table = catalog.table(QualifiedName(None, "t"))
    assert table is not None
    assert table.name == public("t")
    assert table.columns["id"].type == ColumnType("bigint")
    assert table.columns["id"].is_not_null
    assert table.columns["name"].type == ColumnType("character varying", (20,))
    assert sorted(table.constraints) == ["t_name_key", "t_pkey"]
    assert sorted(index.name.name for index in catalog.indexes_of(table.name)) == [
        "t_name_key",
        "t_pkey",
    ]


def test_a_table_in_another_schema_is_another_table() -> None:
    catalog = after("CREATE TABLE a.t (x int); CREATE TABLE t (y int); DROP TABLE t")

    assert catalog.table(QualifiedName("a", "t")) is not None
    assert catalog.table(QualifiedName(None, "t")) is None


def test_create_table_if_not_exists_changes_nothing_when_it_is_there() -> None:
    catalog = after("CREATE TABLE t (x int); CREATE TABLE IF NOT EXISTS t (y int)")

    table = catalog.table(public("t"))
    assert table is not None
    assert list(table.columns) == ["x"]


def test_a_renamed_table_keeps_its_identity_and_what_refers_to_it() -> None:
    before = after("CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p)")
    catalog = after("ALTER TABLE p RENAME TO q", before)

    old, new, child = (
        before.table(public("p")),
        catalog.table(public("q")),
        catalog.table(public("c")),
    )
    assert old is not None
    assert new is not None
    assert child is not None
    assert new.identity == old.identity
    assert child.constraints["c_p_fkey"].references == public("q")
    assert [index.table for index in catalog.indexes_of(new.name)] == [public("q")]


def test_set_schema_moves_the_table_with_its_indexes() -> None:
    catalog = after("CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t SET SCHEMA s")

    assert catalog.index(QualifiedName("s", "t_pkey")) is not None
    assert catalog.table(public("t")) is None


def test_a_renamed_column_is_renamed_in_constraints_and_indexes() -> None:
    catalog = after(
        "CREATE TABLE t (a int CHECK (a IS NOT NULL)); CREATE INDEX i ON t (a) WHERE a > 0;"
        "ALTER TABLE t RENAME COLUMN a TO b"
    )

    table, index = catalog.table(public("t")), catalog.index(public("i"))
    assert table is not None
    assert index is not None
    assert list(table.columns) == ["b"]
    check = table.constraints["t_a_check"].expression
    assert check is not None
    assert check.not_null_columns == ("b",)
    assert index.columns == ("b",)


def test_a_dropped_column_takes_its_constraints_and_indexes_along() -> None:
    catalog = after(
        "CREATE TABLE t (a int UNIQUE, b int CHECK (b > 0)); CREATE INDEX i ON t (b) WHERE a > 0;"
        "ALTER TABLE t DROP COLUMN a"
    )

    table = catalog.table(public("t"))
    assert table is not None
    assert list(table.constraints) == ["t_b_check"]
    assert list(catalog.indexes) == []


def test_a_dropped_table_takes_the_foreign_keys_to_it_along() -> None:
    catalog = after(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int REFERENCES p);"
        "DROP TABLE p CASCADE"
    )

    child = catalog.table(public("c"))
    assert child is not None
    assert not child.constraints


def test_validate_makes_a_constraint_valid() -> None:
    before = after("CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID")
    catalog = after("ALTER TABLE t VALIDATE CONSTRAINT c", before)

    assert [before.tables[public("t")].constraints["c"].is_valid] == [False]
    assert [catalog.tables[public("t")].constraints["c"].is_valid] == [True]


def test_a_key_using_an_index_renames_the_index() -> None:
    catalog = after(
        "CREATE TABLE t (a int NOT NULL); CREATE UNIQUE INDEX i ON t (a);"
        "ALTER TABLE t ADD CONSTRAINT t_key UNIQUE USING INDEX i"
    )

    assert list(catalog.indexes) == [public("t_key")]
    assert catalog.tables[public("t")].constraints["t_key"].columns == ("a",)


def test_a_key_using_an_index_without_a_name_takes_the_name_of_the_index() -> None:
    catalog = after(
        "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a);"
        "ALTER TABLE t ADD PRIMARY KEY USING INDEX i"
    )

    table = catalog.tables[public("t")]
    assert list(table.constraints) == ["i"]
    assert table.columns["a"].is_not_null


def test_dropping_a_key_drops_its_index() -> None:
    catalog = after("CREATE TABLE t (a int UNIQUE); ALTER TABLE t DROP CONSTRAINT t_a_key")

    assert not catalog.indexes


def test_types_defaults_and_not_null_follow_the_statements() -> None:
    catalog = after(
        "CREATE TABLE t (a varchar(20)); ALTER TABLE t ALTER a TYPE varchar(50),"
        " ALTER a SET DEFAULT 'x', ALTER a SET NOT NULL"
    )

    column = catalog.column(public("t"), "a")
    assert column is not None
    assert column.type == ColumnType("character varying", (50,))
    assert column.default is not None
    assert column.is_not_null


def test_dropping_a_not_null_constraint_drops_not_null() -> None:
    catalog = after(
        "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT nn NOT NULL a;"
        "ALTER TABLE t DROP CONSTRAINT nn"
    )

    column = catalog.column(public("t"), "a")
    assert column is not None
    assert not column.is_not_null


def test_a_table_is_empty_until_rows_come_in_or_another_migration_begins() -> None:
    created = after("CREATE TABLE t (a int)")
    filled = after("INSERT INTO t VALUES (1)", created)

    assert created.tables[public("t")].is_empty
    assert not filled.tables[public("t")].is_empty
    assert not settle(created).tables[public("t")].is_empty


def test_create_table_as_has_unknown_columns_and_rows() -> None:
    catalog = after("CREATE TABLE t AS SELECT 1 AS a")

    table = catalog.tables[public("t")]
    assert not table.has_all_columns
    assert not table.is_empty


def test_partitions_are_found_at_all_levels() -> None:
    catalog = after(
        "CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);"
        "CREATE TABLE p PARTITION OF t FOR VALUES FROM (1) TO (9) PARTITION BY RANGE (b);"
        "CREATE TABLE q (a int, b int);"
        "ALTER TABLE p ATTACH PARTITION q FOR VALUES FROM (1) TO (9)"
    )

    assert catalog.tables[public("t")].kind is RelationKind.PARTITIONED_TABLE
    names = [table.name.name for table in catalog.partitions_of(public("t"))]
    assert names == ["p", "q"]


def test_chooses_the_names_postgresql_chooses(database: str) -> None:
    sql = (
        "CREATE TABLE parent (id int PRIMARY KEY, k int UNIQUE);"
        "CREATE TABLE some_rather_long_table_name_that_goes_on_and_on_for_ever ("
        " a_column_with_a_long_name_too int REFERENCES parent, b int CHECK (b > 0), c int,"
        " CHECK (b > c), CHECK (c > 0), UNIQUE (a_column_with_a_long_name_too, b));"
        "CREATE INDEX ON parent (id); CREATE INDEX ON parent ((id + 1), id);"
        "CREATE INDEX ON some_rather_long_table_name_that_goes_on_and_on_for_ever"
        " (a_column_with_a_long_name_too, b)"
    )
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute(sql)
        constraints = connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid <> 0 AND contype <> 'n'"
            " AND connamespace = 'public'::regnamespace ORDER BY 1"
        ).fetchall()
        indexes = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()

    catalog = after(sql)

    chosen = sorted(name for table in catalog.tables.values() for name in table.constraints)
    assert sorted(name for (name,) in constraints) == chosen
    assert sorted(name for (name,) in indexes) == sorted(index.name for index in catalog.indexes)


def test_a_schema_that_does_not_parse_names_file_and_line() -> None:
    with pytest.raises(SqlSyntaxError, match=r'"schema.sql" line 3'):
        catalog_of_sql("CREATE TABLE t (a int);\n\nCREATE TABEL u (b int);", "schema.sql")


def test_kinds_of_constraints_are_kept() -> None:
    catalog = after(
        "CREATE TABLE t (a int4range, EXCLUDE USING gist (a WITH &&), CHECK (a IS NOT NULL))"
    )

    kinds = {item.kind for item in catalog.tables[public("t")].constraints.values()}
    assert kinds == {ConstraintKind.EXCLUDE, ConstraintKind.CHECK}


def test_a_renamed_type_is_renamed_in_the_columns_that_have_it() -> None:
    catalog = after(
        "CREATE TYPE mood AS ENUM ('a'); CREATE TABLE t (m mood, n public.mood[], k int);"
        "ALTER TYPE mood RENAME TO humour"
    )

    types = [str(column.type) for column in catalog.tables[public("t")].columns.values()]
    assert types == ["humour", "public.humour[]", "integer"]
    assert catalog.enums == {public("humour"): ("a",)}


def test_names_are_found_along_the_search_path() -> None:
    catalog = after(
        "CREATE SCHEMA app; CREATE TABLE t (a int); CREATE TABLE twice (a int);"
        'CREATE TABLE app.twice (b int); SET search_path TO "$user", app, public;'
        "CREATE TABLE made (c int)"
    )

    assert catalog.resolve(QualifiedName(None, "t")) == public("t")
    assert catalog.resolve(QualifiedName(None, "twice")) == QualifiedName("app", "twice")
    assert catalog.resolve(QualifiedName(None, "nowhere")) == QualifiedName("app", "nowhere")
    assert QualifiedName("app", "made") in catalog.tables


def test_a_renamed_schema_takes_everything_along() -> None:
    catalog = after(
        "CREATE SCHEMA a; CREATE TABLE a.t (id int PRIMARY KEY); CREATE TYPE a.m AS ENUM ('x');"
        "ALTER SCHEMA a RENAME TO b"
    )

    assert list(catalog.tables) == [QualifiedName("b", "t")]
    assert list(catalog.indexes) == [QualifiedName("b", "t_pkey")]
    assert list(catalog.enums) == [QualifiedName("b", "m")]


def test_a_dropped_schema_takes_everything_along() -> None:
    catalog = after(
        "CREATE SCHEMA a; CREATE TABLE a.t (id int); CREATE DOMAIN a.d AS int;"
        "CREATE TABLE u (id int); DROP SCHEMA a CASCADE"
    )

    assert list(catalog.tables) == [public("u")]
    assert not catalog.domains


def test_a_table_is_found_by_its_identity_when_renamed() -> None:
    before = after("CREATE TABLE t (id int); CREATE TABLE u (id int)")
    catalog = after(
        "CREATE TABLE t (id int); CREATE TABLE u (id int);ALTER TABLE t RENAME TO v; DROP TABLE u"
    )
    found = catalog.by_identity(before.tables[public("t")].identity)
    assert found is not None
    assert found.name == public("v")
    assert catalog.by_identity(before.tables[public("u")].identity) is None


def test_alter_table_renames_an_index_as_well() -> None:
    catalog = after("CREATE TABLE t (x int); CREATE INDEX i ON t (x); ALTER TABLE i RENAME TO j")

    assert catalog.index(public("i")) is None
    assert catalog.names_index(public("j"))
    assert not catalog.names_index(public("t"))


def test_a_table_keeps_what_it_is_partitioned_by() -> None:
    table = after("CREATE TABLE t (x int) PARTITION BY RANGE (x)").table(public("t"))

    assert table is not None
    assert [part.column for part in table.partition_key] == ["x"]


def test_a_renamed_index_of_a_key_renames_the_constraint() -> None:
    catalog = after("CREATE TABLE t (id int PRIMARY KEY); ALTER INDEX t_pkey RENAME TO t_key")

    table = catalog.table(public("t"))
    assert table is not None
    assert list(table.constraints) == ["t_key"]
    assert table.constraints["t_key"].index == "t_key"
    assert [index.constraint for index in catalog.indexes_of(public("t"))] == ["t_key"]


def test_a_renamed_key_renames_its_index() -> None:
    catalog = after(
        "CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t RENAME CONSTRAINT t_pkey TO t_key"
    )

    table = catalog.table(public("t"))
    assert table is not None
    assert list(table.constraints) == ["t_key"]
    assert [index.name.name for index in catalog.indexes_of(public("t"))] == ["t_key"]


def test_policies_and_row_security_follow_the_statements() -> None:
    catalog = after(
        "CREATE TABLE t (id int); CREATE POLICY p ON t USING (true); CREATE POLICY q ON t;"
        "DROP POLICY q ON t; ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        "ALTER TABLE t FORCE ROW LEVEL SECURITY"
    )

    table = catalog.table(public("t"))
    assert table is not None
    assert table.policies == {"p"}
    assert table.has_row_security


def test_a_type_dropped_with_cascade_takes_its_columns_along() -> None:
    catalog = after(
        "CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN calm AS mood;"
        "CREATE TABLE t (id int, m mood, c calm); DROP TYPE mood CASCADE"
    )

    table = catalog.table(public("t"))
    assert table is not None
    assert list(table.columns) == ["id"]
    assert not catalog.enums


def test_an_enum_value_is_renamed_in_its_place() -> None:
    catalog = after("CREATE TYPE m AS ENUM ('a', 'b'); ALTER TYPE m RENAME VALUE 'a' TO 'z'")
    assert catalog.enums[public("m")] == ("z", "b")


def test_inheritance_and_persistence_follow_the_statements() -> None:
    catalog = after(
        "CREATE TABLE p (id int); CREATE TABLE t (id int); ALTER TABLE t INHERIT p;"
        "ALTER TABLE t SET UNLOGGED"
    )

    table = catalog.table(public("t"))
    assert table is not None
    assert table.inherits == (public("p"),)
    assert table.persistence is Persistence.UNLOGGED
    assert after("ALTER TABLE t NO INHERIT p", catalog).tables[public("t")].inherits == ()


def test_sequences_and_statistics_come_and_go() -> None:
    catalog = after(
        "CREATE TABLE t (a int, b int); CREATE SEQUENCE s; CREATE STATISTICS st ON a, b FROM t"
    )
    assert catalog.sequences == {public("s")}
    assert catalog.statistics == {public("st"): public("t")}
    catalog = after("ALTER SEQUENCE s RENAME TO z; DROP STATISTICS st", catalog)
    assert catalog.sequences == {public("z")}
    assert catalog.statistics == {}
