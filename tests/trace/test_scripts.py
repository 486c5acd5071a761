"""Scripts observed on a real server, inside transactions and outside them."""

import psycopg
import pytest

from safemigrate.errors import UnreachableError, UsageError
from safemigrate.model import Certainty, Lock, LockMode, ObservedStatement, QualifiedName
from safemigrate.server import Server
from safemigrate.trace import observe_script

SCHEMA = (
    "CREATE TABLE t (id int PRIMARY KEY, a int, b text)",
    "CREATE INDEX t_a ON t (a)",
    "INSERT INTO t SELECT i, i, 'x' FROM generate_series(1, 1000) i",
)


def name(text: str) -> QualifiedName:
    schema, _, relation = text.rpartition(".")
    return QualifiedName(schema or "public", relation)


def lock(relation: str, mode: LockMode, *, is_preexisting: bool = True) -> Lock:
    return Lock(name(relation), mode, is_preexisting)


def certainty_outside(server: Server) -> Certainty:
    """Return how sure an observation outside a transaction is: 14 tells nobody of the scans."""
    return Certainty.KNOWN if server.version.major >= 15 else Certainty.ASSUMED


def observe_outside(url: str, *statements: str) -> tuple[ObservedStatement, ...]:
    return observe_script(url, statements, before=SCHEMA, in_transaction=False)


def test_a_mode_already_held_is_not_newly_taken(database: str) -> None:
    first, second = observe_script(
        database,
        ["ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t ADD COLUMN d int"],
        before=SCHEMA,
    )

    assert first.locks == (lock("t", LockMode.ACCESS_EXCLUSIVE),)
    assert second.locks == ()
    assert second.held == (lock("t", LockMode.ACCESS_EXCLUSIVE),)


def test_a_relation_made_by_the_script_is_not_preexisting(database: str) -> None:
    created, altered = observe_script(
        database, ["CREATE TABLE n (id int PRIMARY KEY)", "ALTER TABLE n ADD COLUMN a int"]
    )

    assert created.locks == (lock("n", LockMode.ACCESS_EXCLUSIVE, is_preexisting=False),)
    assert (altered.locks, altered.held) == ((), ())


def test_a_table_made_by_the_script_is_not_rewritten_or_scanned(database: str) -> None:
    *_, altered = observe_script(
        database,
        [
            "CREATE TABLE n AS SELECT i FROM generate_series(1, 10) i",
            "ALTER TABLE n ALTER COLUMN i TYPE bigint",
        ],
    )

    assert (altered.rewrites, altered.scans) == ((), ())


def test_a_dropped_table_keeps_the_name_it_had(database: str) -> None:
    (dropped,) = observe_script(database, ["DROP TABLE t"], before=SCHEMA)

    assert lock("t", LockMode.ACCESS_EXCLUSIVE) in dropped.locks
    assert dropped.rewrites == ()


def test_a_renamed_table_has_the_name_of_its_time(database: str) -> None:
    renamed, commented, dropped = observe_script(
        database,
        ["ALTER INDEX t_a RENAME TO t_z", "COMMENT ON TABLE t IS 'x'", "DROP INDEX t_z"],
        before=SCHEMA,
    )

    assert renamed.locks == (lock("t_a", LockMode.SHARE_UPDATE_EXCLUSIVE),)
    assert commented.locks == (lock("t", LockMode.SHARE_UPDATE_EXCLUSIVE),)
    assert dropped.locks == (
        lock("t", LockMode.ACCESS_EXCLUSIVE),
        lock("t_z", LockMode.ACCESS_EXCLUSIVE),
    )


def test_a_table_dropped_and_made_again_is_not_rewritten(database: str) -> None:
    observed = observe_script(database, ["DROP TABLE t", "CREATE TABLE t (id int)"], before=SCHEMA)

    assert [statement.rewrites for statement in observed] == [(), ()]


@pytest.mark.parametrize("truncation", ["TRUNCATE t", "DO 'BEGIN TRUNCATE t; END'"])
def test_a_truncated_table_is_not_rewritten(database: str, truncation: str) -> None:
    (truncated,) = observe_script(database, [truncation], before=SCHEMA)

    assert lock("t", LockMode.ACCESS_EXCLUSIVE) in truncated.locks
    assert (truncated.rewrites, truncated.scans) == ((), ())


def test_an_owned_sequence_is_minor_once_its_table_is_out_of_reach(database: str) -> None:
    *_, dropped = observe_script(
        database,
        ["INSERT INTO s DEFAULT VALUES", "DROP TABLE s"],
        before=["CREATE TABLE s (id serial PRIMARY KEY)"],
    )

    assert lock("s_id_seq", LockMode.ACCESS_EXCLUSIVE) in dropped.locks
    assert dropped.minor == (name("s_id_seq"), name("s_pkey"))


def test_a_temporary_table_is_left_out(database: str) -> None:
    (created,) = observe_script(database, ["CREATE TEMPORARY TABLE n (id int)"])

    assert created.locks == ()


def test_scans_of_an_earlier_transaction_do_not_count(database: str) -> None:
    *_, commented = observe_outside(
        database,
        "BEGIN",
        "ALTER TABLE t ADD CHECK (a > 0)",
        "COMMIT",
        "BEGIN",
        "COMMENT ON TABLE t IS 'x'",
    )

    assert commented.scans == ()


def test_transactions_are_numbered_from_one(database: str) -> None:
    observed = observe_outside(
        database,
        "ALTER TABLE t ADD COLUMN c int",
        "BEGIN",
        "ALTER TABLE t ADD COLUMN d int",
        "COMMIT",
        "START TRANSACTION",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "UPDATE t SET a = 1 WHERE id = 1",
        "ROLLBACK",
        "COMMENT ON TABLE t IS 'x'",
    )

    assert [statement.error for statement in observed] == [None] * 9
    assert [statement.transaction for statement in observed] == [None, 1, 1, 1, 2, 2, 2, 2, None]
    assert [statement.ordinal for statement in observed] == list(range(1, 10))


def test_a_statement_in_autocommit_mode_is_seen_as_exactly_as_in_a_transaction(
    database: str,
) -> None:
    first, second = observe_outside(
        database, "ALTER TABLE t ALTER COLUMN a TYPE bigint", "ALTER TABLE t ADD COLUMN c int"
    )

    assert lock("t", LockMode.ACCESS_EXCLUSIVE) in first.locks
    assert (first.rewrites, first.scans) == ((name("t"),), (name("t"),))
    assert second.locks == (lock("t", LockMode.ACCESS_EXCLUSIVE),)
    assert {first.certainty, second.certainty} == {Certainty.KNOWN}
    assert (first.transaction, first.held) == (None, ())


@pytest.mark.parametrize(
    ("statement", "locks", "rewrites", "scans"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (b)", ["t"], [], ["t"]),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a, b)", ["t"], [], ["t"]),
        ("DROP INDEX CONCURRENTLY t_a", ["t", "t_a"], [], []),
        ("REINDEX INDEX CONCURRENTLY t_a", ["t", "t_a"], [], ["t"]),
        ("REINDEX TABLE CONCURRENTLY t", ["t", "t_a", "t_pkey"], [], ["t"]),
    ],
)
def test_concurrent_statements_are_seen_with_the_locks_they_wait_with(
    *,
    embedded_server: Server,
    database: str,
    statement: str,
    locks: list[str],
    rewrites: list[str],
    scans: list[str],
) -> None:
    (observed,) = observe_outside(database, statement)

    assert observed.error is None
    assert observed.transaction is None
    assert observed.locks == tuple(lock(one, LockMode.SHARE_UPDATE_EXCLUSIVE) for one in locks)
    assert observed.rewrites == tuple(map(name, rewrites))
    assert observed.certainty is certainty_outside(embedded_server)
    if observed.certainty is Certainty.KNOWN:
        assert observed.scans == tuple(map(name, scans))


@pytest.mark.parametrize(
    ("statement", "mode", "rewrites"),
    [
        ("VACUUM t", LockMode.SHARE_UPDATE_EXCLUSIVE, []),
        ("VACUUM FULL t", LockMode.ACCESS_EXCLUSIVE, ["t"]),
        ("CLUSTER t USING t_a", LockMode.ACCESS_EXCLUSIVE, ["t"]),
    ],
)
def test_what_cannot_run_in_a_transaction_is_seen_asking_for_its_lock(
    embedded_server: Server, database: str, statement: str, mode: LockMode, rewrites: list[str]
) -> None:
    (observed,) = observe_outside(database, statement)

    assert lock("t", mode) in observed.locks
    assert observed.rewrites == tuple(map(name, rewrites))
    # A rewrite shuts the indexes when it has the table, too late to be surely seen.
    certainty = Certainty.ASSUMED if rewrites else certainty_outside(embedded_server)
    assert observed.certainty is certainty


def test_a_block_that_commits_by_itself_is_assumed_only(database: str) -> None:
    (observed,) = observe_outside(
        database, "DO 'BEGIN ALTER TABLE t ADD COLUMN c int; COMMIT; END'"
    )

    assert observed.error is None
    assert observed.locks == (lock("t", LockMode.ACCESS_EXCLUSIVE),)
    assert observed.certainty is Certainty.ASSUMED


def test_a_statement_with_a_short_lock_timeout_is_not_held_up(database: str) -> None:
    _, observed = observe_outside(
        database, "SET lock_timeout = '1ms'", "DROP INDEX CONCURRENTLY t_a"
    )

    assert observed.error is None
    assert observed.certainty is Certainty.ASSUMED


def test_a_failed_concurrent_statement_ends_the_watch(database: str) -> None:
    (observed,) = observe_outside(database, "CREATE UNIQUE INDEX CONCURRENTLY i ON t (b)")

    assert observed.error is not None
    assert observed.error.startswith("23505: ")


def test_a_concurrent_statement_in_a_transaction_is_refused(database: str) -> None:
    (observed,) = observe_script(database, ["DROP INDEX CONCURRENTLY t_a"], before=SCHEMA)

    assert observed.error == "25001: DROP INDEX CONCURRENTLY cannot run inside a transaction block"


def test_the_script_ends_at_the_first_error_and_is_rolled_back(database: str) -> None:
    observed = observe_script(
        database,
        ["ALTER TABLE t ADD COLUMN c int", "ALTER TABLE gone ADD COLUMN c int", "SELECT 1"],
        before=SCHEMA,
    )

    assert [statement.error for statement in observed] == [
        None,
        '42P01: relation "gone" does not exist',
    ]
    (again,) = observe_script(database, ["ALTER TABLE t ADD COLUMN c int"])
    assert again.error is None


def test_the_script_is_committed(database: str) -> None:
    observe_script(database, ["CREATE TABLE n (id int)"])

    (selected,) = observe_script(database, ["SELECT * FROM n"])
    assert selected.locks == (lock("n", LockMode.ACCESS_SHARE),)


def test_the_clock_given_measures_the_duration(database: str) -> None:
    ticks = iter([10.0, 10.25])

    (observed,) = observe_script(database, ["SELECT 1"], clock=lambda: next(ticks))

    assert observed.duration_ms == 250


def test_a_schema_that_cannot_be_made_is_an_error(database: str) -> None:
    with pytest.raises(psycopg.errors.SyntaxError):
        observe_script(database, ["SELECT 1"], before=["CREATE"])


def test_a_url_without_a_server_is_unreachable_and_hides_the_password() -> None:
    with pytest.raises(UnreachableError) as caught:
        observe_script("postgresql+psycopg://u:secret@127.0.0.1:1/d", ["SELECT 1"])

    assert "secret" not in f"{caught.value.message} {caught.value.hint}"


def test_a_url_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        observe_script("no url", ["SELECT 1"])
