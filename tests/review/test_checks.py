"""Every check on real servers: it finds what it is for, and leaves the rest be."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from psycopg import sql

from safemigrate.model import Severity
from safemigrate.review import SchemaFinding, find_new, list_checks, review_schema
from safemigrate.server import Server
from safemigrate.trace import Connection, open_connection
from tests.postgres.versions import ProofServers, count, proof_versions
from tests.review.cases import CASES, ReviewCase

# Those need what every server shares, or an extension that not every build has.
BY_THEMSELVES = {"extension-in-public-or-outdated", "login-role-bypasses-row-security"}


@contextmanager
def opened(server: Server) -> Iterator[Connection]:
    name = server.create_database()
    try:
        with open_connection(server.url(name)) as connection:
            yield connection
    finally:
        server.drop_database(name)


def run(connection: Connection, check: str) -> tuple[SchemaFinding, ...]:
    def ask(query: str) -> Sequence[Sequence[object]]:
        cursor = connection.execute(query.encode())
        return cursor.fetchall() if cursor.description else ()

    return review_schema(ask, [list_checks()[check]])


def found(connection: Connection, check: str) -> tuple[str, ...]:
    return tuple(one.object for one in run(connection, check))


@pytest.mark.parametrize("major", proof_versions())
@pytest.mark.parametrize(
    "case", CASES, ids=[f"{one.check}-{number}" for number, one in enumerate(CASES)]
)
def test_a_check_finds_what_it_is_for_and_nothing_else(
    case: ReviewCase, major: int, proof_servers: ProofServers
) -> None:
    if major < case.since:
        return
    with opened(proof_servers[major]) as connection:
        connection.execute(case.sql.encode())
        assert found(connection, case.check) == case.finds
    count(major, "checks of a schema")


def test_every_check_has_a_case_in_which_it_finds_something() -> None:
    assert {case.check for case in CASES if case.finds} | BY_THEMSELVES == {*list_checks()}


@pytest.mark.parametrize("major", proof_versions())
def test_an_extension_in_public_is_found_and_one_elsewhere_is_not(
    major: int, proof_servers: ProofServers
) -> None:
    with opened(proof_servers[major]) as connection:
        connection.execute("CREATE SCHEMA extensions; CREATE EXTENSION citext SCHEMA extensions")
        connection.execute("CREATE EXTENSION hstore SCHEMA public")
        assert found(connection, "extension-in-public-or-outdated") == ("hstore",)


@pytest.mark.parametrize("major", proof_versions())
def test_a_login_role_that_no_policy_binds_is_found(
    major: int, proof_servers: ProofServers
) -> None:
    check = "login-role-bypasses-row-security"
    with opened(proof_servers[major]) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        assert row is not None
        role = sql.Identifier(f"{row[0]}_app")
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN BYPASSRLS").format(role))
        try:
            assert found(connection, check) == ()
            connection.execute("CREATE TABLE t (a int); CREATE POLICY p ON t USING (a = 1)")
            assert found(connection, check) == (f"{row[0]}_app",)
            connection.execute(sql.SQL("ALTER ROLE {} NOBYPASSRLS").format(role))
            assert found(connection, check) == ()
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.mark.parametrize("major", proof_versions())
def test_objects_of_extensions_and_of_safemigrate_are_left_out(
    major: int, proof_servers: ProofServers
) -> None:
    with opened(proof_servers[major]) as connection:
        connection.execute("CREATE SCHEMA safemigrate; CREATE TABLE safemigrate.run (at timestamp)")
        connection.execute("CREATE EXTENSION hstore; CREATE TABLE owned (at timestamp)")
        connection.execute("ALTER EXTENSION hstore ADD TABLE owned")
        assert found(connection, "timestamp-without-time-zone") == ()
        assert found(connection, "table-without-primary-key") == ()


@pytest.fixture
def connection(embedded_server: Server) -> Iterator[Connection]:
    with opened(embedded_server) as connection:
        yield connection


def test_a_fix_is_code_with_the_users_names(connection: Connection) -> None:
    connection.execute('CREATE TABLE parent (id bigint PRIMARY KEY); CREATE SCHEMA "Odd"')
    connection.execute('CREATE TABLE "Odd".child ("Parent" bigint REFERENCES parent)')
    (finding,) = run(connection, "foreign-key-without-index")
    assert finding.object == '"Odd".child'
    assert finding.detail == '"child_Parent_fkey" ("Parent") references public.parent'
    connection.execute(finding.fix.encode())
    assert finding.fix == 'CREATE INDEX CONCURRENTLY ON "Odd".child ("Parent")'
    assert run(connection, "foreign-key-without-index") == ()


@pytest.mark.parametrize(
    "check",
    [
        "granted-to-public",
        "invalid-index",
        "partition-without-row-security",
        "policies-without-row-security",
        "policy-column-without-index",
        "row-security-not-forced",
        "security-definer-without-search-path",
        "unvalidated-constraint",
    ],
)
def test_what_a_fix_says_takes_the_finding_away(check: str, connection: Connection) -> None:
    case = next(case for case in CASES if case.check == check)
    connection.execute(case.sql.encode())
    findings = run(connection, check)
    assert findings
    for finding in findings:
        connection.execute(finding.fix.encode())
    assert run(connection, check) == ()


def test_the_same_finding_is_known_again_whatever_its_figures_are(connection: Connection) -> None:
    check = "sequence-near-exhaustion"
    connection.execute("CREATE SEQUENCE s AS smallint; SELECT setval('s', 30000)")
    before = run(connection, check)
    connection.execute("SELECT setval('s', 31000)")
    after = run(connection, check)
    assert before[0].detail != after[0].detail
    assert find_new(after, before) == ()


def test_a_renamed_table_keeps_its_finding_and_a_second_one_is_new(connection: Connection) -> None:
    check = "table-without-primary-key"
    connection.execute("CREATE TABLE old (a int)")
    before = run(connection, check)
    connection.execute("ALTER TABLE old RENAME TO renamed")
    assert find_new(run(connection, check), before) == ()
    connection.execute("CREATE TABLE second (a int)")
    new = find_new(run(connection, check), before)
    assert len(new) == 1


def test_nothing_is_changed_and_the_session_is_as_it_was(connection: Connection) -> None:
    connection.execute("CREATE TABLE t (a int)")
    run(connection, "table-without-primary-key")
    assert connection.info.transaction_status.name == "IDLE"
    assert connection.execute("SHOW search_path").fetchone() != ("",)


def test_what_gates_is_an_error_or_a_warning_and_needs_no_rows() -> None:
    for check in list_checks().values():
        if check.is_gate:
            assert check.severity in {Severity.ERROR, Severity.WARNING}
            assert not check.is_live
