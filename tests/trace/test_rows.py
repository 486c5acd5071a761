"""Rows, the reasons of rewrites and the lock_timeout of each statement, on every major."""

from collections.abc import Iterator

import pytest

from safemigrate.model import ObservedStatement, QualifiedName, RewriteReason, TableRows
from safemigrate.server import Server
from safemigrate.trace import note_rewrites, observe_script, open_connection
from tests.postgres.versions import ProofServers, proof_versions

SCHEMA = (
    "CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(20))",
    "CREATE INDEX t_a ON t (a)",
    "INSERT INTO t SELECT i, i, 'x' FROM generate_series(1, 1000) i",
)
T = QualifiedName("public", "t")


@pytest.fixture(params=proof_versions())
def server(request: pytest.FixtureRequest, proof_servers: ProofServers) -> Server:
    return proof_servers[request.param]


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


def observe(url: str, *statements: str) -> tuple[ObservedStatement, ...]:
    return observe_script(url, statements, before=SCHEMA)


def test_rows_changed_are_counted_per_table(url: str) -> None:
    inserted, updated, deleted = observe(
        url,
        "INSERT INTO t SELECT i, i, 'y' FROM generate_series(1001, 1030) i",
        "UPDATE t SET a = a WHERE id > 1020",
        "DELETE FROM t WHERE id > 1025",
    )

    assert inserted.rows == (TableRows(T, inserted=30),)
    assert [(one.updated, one.changed) for one in updated.rows] == [(10, 10)]
    assert [(one.deleted, one.changed) for one in deleted.rows] == [(5, 5)]


def test_rows_changed_by_a_body_or_a_cascade_are_counted(url: str) -> None:
    *_, deleted, body = observe(
        url,
        "CREATE TABLE child (t_id int REFERENCES t ON DELETE CASCADE)",
        "INSERT INTO child SELECT 7 FROM generate_series(1, 12)",
        "DELETE FROM t WHERE id = 7",
        "DO 'BEGIN FOR i IN 1..3 LOOP UPDATE t SET a = 0 WHERE id = i; END LOOP; END'",
    )

    child = QualifiedName("public", "child")
    assert {one.table: one.deleted for one in deleted.rows} == {child: 12, T: 1}
    assert {one.table: one.is_preexisting for one in deleted.rows} == {child: False, T: True}
    assert [(one.table, one.updated) for one in body.rows] == [(T, 3)]


def test_rows_of_a_partitioned_table_are_those_of_its_partitions(url: str) -> None:
    *_, inserted = observe_script(
        url,
        ["INSERT INTO p SELECT i FROM generate_series(1, 15) i"],
        before=(
            "CREATE TABLE p (id int) PARTITION BY RANGE (id)",
            "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (11)",
            "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (11) TO (21)",
        ),
    )

    counted = {one.table.name: one.inserted for one in inserted.rows}
    assert counted == {"p1": 10, "p2": 5}


def test_a_scan_says_how_many_rows_it_read(url: str) -> None:
    checked, commented = observe(
        url, "ALTER TABLE t ADD CHECK (a > 0)", "COMMENT ON TABLE t IS 'x'"
    )

    assert checked.rows == (TableRows(T, read=1000),)
    assert commented.rows == ()


def test_a_rewrite_changes_no_rows(url: str) -> None:
    (altered,) = observe(url, "ALTER TABLE t ALTER COLUMN a TYPE bigint")

    (rows,) = altered.rows
    assert altered.rewrites == (T,)
    assert rows.read >= 1000
    assert rows.changed == 0


def test_truncation_after_an_insert_counts_no_rows_backwards(url: str) -> None:
    inserted, truncated = observe(url, "INSERT INTO t VALUES (0, 0, '')", "TRUNCATE t")

    assert inserted.rows == (TableRows(T, inserted=1),)
    assert truncated.rows == ()


def test_rows_of_a_statement_outside_a_transaction_are_counted_from_15_on(
    server: Server, url: str
) -> None:
    (called,) = observe_script(
        url,
        ["CALL fill()"],
        before=(
            *SCHEMA,
            "CREATE PROCEDURE fill() LANGUAGE sql AS 'UPDATE t SET a = 1 WHERE id <= 4'",
        ),
        in_transaction=False,
    )

    assert called.transaction is None
    expected = (4,) if server.version.major >= 15 else ()
    assert tuple(one.updated for one in called.rows) == expected


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("ALTER TABLE t ALTER COLUMN a TYPE bigint", "another column type"),
        (
            "ALTER TABLE t ADD COLUMN c float DEFAULT random()",
            "a default that differs from row to row",
        ),
        ("ALTER TABLE t SET UNLOGGED", "changed persistence"),
    ],
)
def test_the_server_says_why_it_rewrites(url: str, statement: str, reason: str) -> None:
    with open_connection(url) as connection:
        assert note_rewrites(connection)
    first, again, plain = observe(url, statement, "COMMENT ON TABLE t IS 'x'", "SELECT 1")

    assert first.rewrite_reasons == (RewriteReason(T, reason),)
    assert (again.rewrite_reasons, plain.rewrite_reasons) == ((), ())


def test_two_rewrites_in_one_statement_have_both_reasons(url: str) -> None:
    with open_connection(url) as connection:
        note_rewrites(connection)
    first, second = observe(
        url,
        "ALTER TABLE t SET UNLOGGED, ALTER COLUMN a TYPE bigint",
        "ALTER TABLE t ALTER COLUMN b TYPE varchar(2)",
    )

    assert {one.reason for one in first.rewrite_reasons} == {
        "changed persistence",
        "another column type",
    }
    assert second.rewrite_reasons == (RewriteReason(T, "another column type"),)


def test_without_the_trigger_no_reason_is_known(url: str) -> None:
    (altered,) = observe(url, "ALTER TABLE t ALTER COLUMN a TYPE bigint")

    assert altered.rewrites == (T,)
    assert altered.rewrite_reasons == ()


def test_only_a_superuser_lets_the_server_note_rewrites(url: str) -> None:
    with open_connection(url) as connection:
        connection.execute("CREATE ROLE facts_plain_user")
        connection.execute("GRANT CREATE ON SCHEMA public TO facts_plain_user")
        try:
            connection.execute("SET ROLE facts_plain_user")
            assert not note_rewrites(connection)
        finally:
            connection.execute("RESET ROLE")
            connection.execute("DROP OWNED BY facts_plain_user")
            connection.execute("DROP ROLE facts_plain_user")


def test_the_lock_timeout_is_that_of_the_moment_the_statement_was_sent(url: str) -> None:
    observed = observe(
        url,
        "ALTER TABLE t ADD COLUMN c int",
        "SET lock_timeout = '90s'",
        "ALTER TABLE t ADD COLUMN d int",
        "SET LOCAL lock_timeout = 1500",
        "ALTER TABLE t ADD COLUMN e int",
        "RESET lock_timeout",
        "ALTER TABLE t ADD COLUMN f int",
    )

    limits = [one.lock_timeout_ms for one in observed if one.sql.startswith("ALTER")]
    assert limits == [0, 90_000, 1500, 0]


def test_the_lock_timeout_is_known_outside_a_transaction(url: str) -> None:
    *_, vacuumed = observe_script(
        url, ["SET lock_timeout = '2s'", "VACUUM t"], before=SCHEMA, in_transaction=False
    )

    assert (vacuumed.transaction, vacuumed.lock_timeout_ms) == (None, 2000)
