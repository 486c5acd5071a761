"""docs/explanation/locks.md says what servers do: each statement in it is sent to all of them."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from xml.etree import ElementTree as ET

import psycopg
import pytest

from docs._ext.lock_conflicts import draw_conflicts
from safemigrate.model import LockMode, ObservedStatement, blocked_commands
from safemigrate.server import Server
from safemigrate.trace import Connection, Tracer, observe_script, open_connection
from safemigrate.trace.sessions import DriverSession
from tests.docs.explanation import Claim, list_blocks, list_claims, list_rows, make_claim, read_page
from tests.postgres.versions import ProofServers, proof_versions

TEXT = read_page("locks")
SCHEMA = [one.strip() for one in list_blocks(TEXT, "sql")[0].split(";\n") if one.strip()]
ROWS = [
    "INSERT INTO owners SELECT generate_series(1, 100)",
    "INSERT INTO accounts SELECT n, n, n, 'holder', 'code' FROM generate_series(1, 100) AS n",
    "INSERT INTO payments_2026 SELECT n, '2026-02-02' FROM generate_series(1, 100) AS n",
    "INSERT INTO payments_rest SELECT n, '2040-02-02' FROM generate_series(1, 100) AS n",
    "INSERT INTO payments_2027 SELECT n, '2027-02-02' FROM generate_series(1, 100) AS n",
    "REFRESH MATERIALIZED VIEW totals",
]
TABLES = set(re.findall(r"CREATE (?:TABLE|MATERIALIZED VIEW) (\w+)", "\n".join(SCHEMA)))
CLAIMS = [
    make_claim(row[0].strip("`"), row[1], row[2])
    for row in list_rows(TEXT, "statement", "locks", "work")
]
MODES = list_rows(TEXT, "mode", "for example", "who waits meanwhile")
# What cannot run in a transaction is counted from the outside, which the server does from here on.
COUNTS_OUTSIDE = 15
LEAVES_TRANSACTIONS = re.compile(r"CONCURRENTLY|^VACUUM|^REINDEX")
PATIENCE_SECONDS = 20


@pytest.fixture(params=proof_versions())
def major(request: pytest.FixtureRequest) -> int:
    """Each major version that facts are proved on."""
    return int(request.param)


@pytest.fixture(scope="module")
def template(proof_servers: ProofServers) -> Iterator[Callable[[int], str]]:
    """The page's tables with their rows, on the server of a major version."""
    made: dict[int, str] = {}

    def make(major: int) -> str:
        if major not in made:
            server = proof_servers[major]
            made[major] = server.create_database()
            observe_script(server.url(made[major]), (), before=[*SCHEMA, *ROWS])
        return made[major]

    yield make
    for major, name in made.items():
        proof_servers[major].drop_database(name)


@pytest.fixture
def copy(proof_servers: ProofServers, template: Callable[[int], str], major: int) -> Iterator[str]:
    """The URL of a copy of the page's tables."""
    server = proof_servers[major]
    with copied(server, template(major)) as url:
        yield url


@contextmanager
def copied(server: Server, template: str) -> Iterator[str]:
    name = server.copy_database(template)
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


def find_untruths(claim: Claim, seen: ObservedStatement, major: int) -> list[str]:
    """Return what the server did otherwise than claimed."""
    locks = {
        lock.relation.name: lock.mode
        for lock in seen.locks
        if lock.is_preexisting and lock.relation.name in TABLES
    }
    scans = {name.name for name in seen.scans}
    rewrites = {name.name for name in seen.rewrites}
    untruths = []
    if seen.error is not None:
        untruths.append(seen.error)
    if locks != claim.locks:
        untruths.append(f"locks {locks}")
    is_counted = seen.transaction is not None or major >= COUNTS_OUTSIDE
    work = "writes every row anew" if rewrites else "reads every row" if scans else "no row"
    if claim.work not in {work, "what it asks for"} and (is_counted or rewrites):
        untruths.append(work)
    if claim.worked_on and claim.worked_on != scans:
        untruths.append(f"scans {scans}")
    return [f"{claim.statement}: {untruth}" for untruth in untruths]


def observe_and_undo(url: str, statements: Sequence[str]) -> list[ObservedStatement]:
    """Return what each statement does in a transaction of its own, which is rolled back."""
    seen: list[ObservedStatement] = []
    with open_connection(url) as second, open_connection(url, is_autocommit=False) as connection:
        tracer = Tracer(second)
        for statement in statements:
            tracer.begin()
            tracer.before(DriverSession(connection), statement)
            connection.execute(statement.encode())
            tracer.after(DriverSession(connection))
            connection.rollback()
            seen += tracer.end()
    return seen


def test_statements_take_the_locks_and_do_the_work_of_the_tables(
    major: int, copy: str, proof_servers: ProofServers, template: Callable[[int], str]
) -> None:
    inside = [one for one in CLAIMS if not LEAVES_TRANSACTIONS.search(one.statement)]
    outside = [one for one in CLAIMS if LEAVES_TRANSACTIONS.search(one.statement)]

    untruths = []
    for claim, seen in zip(
        inside, observe_and_undo(copy, [one.statement for one in inside]), strict=True
    ):
        untruths += find_untruths(claim, seen, major)
    for claim in outside:
        with copied(proof_servers[major], template(major)) as url:
            (seen,) = observe_script(url, [claim.statement], in_transaction=False)
            untruths += find_untruths(claim, seen, major)

    assert len(CLAIMS) > 30
    assert untruths == []


@pytest.mark.parametrize("claims", list_claims(TEXT), ids=lambda claims: claims[0].statement)
def test_statements_of_a_block_do_what_the_comments_above_them_say(
    claims: list[Claim], major: int, copy: str
) -> None:
    seen = observe_script(copy, [one.statement for one in claims], in_transaction=False)

    assert [
        untruth
        for claim, one in zip(claims, seen, strict=True)
        for untruth in find_untruths(claim, one, major)
    ] == []


def test_the_table_of_modes_is_that_of_the_model() -> None:
    assert [row[0] for row in MODES] == [mode.value for mode in LockMode]
    every_claim = [*CLAIMS, *chain.from_iterable(list_claims(TEXT))]
    for name, examples, waiting in MODES:
        told = [one for one in waiting.split(", ") if one]
        assert told == list(blocked_commands(LockMode(name)))
        for example in re.findall(r"`([^`]*)`", examples):
            pattern = re.escape(example).replace("…", ".*")
            assert any(
                re.match(pattern, claim.statement) and LockMode(name) in claim.locks.values()
                for claim in every_claim
            ), example


def read_drawing() -> set[tuple[LockMode, LockMode]]:
    """Return the pairs that the drawing shows as in conflict."""
    squares = ET.fromstring(draw_conflicts()).iter("{http://www.w3.org/2000/svg}rect")  # noqa: S314
    modes = list(LockMode)
    classes = [square.get("class") for square in squares]
    pairs = [(one, other) for one in modes for other in modes]
    return {pair for pair, kind in zip(pairs, classes, strict=True) if kind == "waits"}


def test_the_drawing_of_conflicts_is_what_the_server_does(copy: str) -> None:
    refused = set()
    with open_connection(copy, is_autocommit=False) as holder, open_connection(copy) as other:
        for held in LockMode:
            holder.execute(f"LOCK TABLE owners IN {held.value} MODE".encode())
            for asked in LockMode:
                try:
                    with other.transaction(force_rollback=True):
                        other.execute(f"LOCK TABLE owners IN {asked.value} MODE NOWAIT".encode())
                except psycopg.errors.LockNotAvailable:
                    refused.add((held, asked))
            holder.rollback()

    assert read_drawing() == refused
    assert len(refused) == sum(one.conflicts_with(two) for one in LockMode for two in LockMode)


def wait_until(connection: Connection, condition: str, *parameters: object) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while connection.execute(f"SELECT {condition}".encode(), parameters).fetchone() != (True,):
        assert time.monotonic() < deadline, condition


@contextmanager
def sending(connection: Connection, statement: str) -> Iterator[None]:
    """Send a statement from a thread; at the end of the block it must come back without error."""
    errors: list[psycopg.Error] = []

    def send() -> None:
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    yield
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
    assert errors == []


def test_who_comes_later_waits_behind_who_waits(copy: str) -> None:
    with (
        open_connection(copy, is_autocommit=False) as report,
        open_connection(copy) as migration,
        open_connection(copy) as application,
        open_connection(copy) as watcher,
    ):
        report.execute("SELECT count(*) FROM accounts")
        waiting, queued = (one.info.backend_pid for one in (migration, application))
        blocked_by = "pg_blocking_pids(%s) = ARRAY[%s::integer]"
        with sending(migration, "ALTER TABLE accounts ADD COLUMN later text"):
            wait_until(watcher, blocked_by, waiting, report.info.backend_pid)
            # it fits beside the report, and only the queue is in the way
            with sending(application, "SELECT count(*) FROM accounts"):
                wait_until(watcher, blocked_by, queued, waiting)
                report.commit()


def test_a_lock_is_held_to_the_end_of_its_transaction_or_savepoint(copy: str) -> None:
    held = "count(*) FROM pg_locks WHERE relation = 'accounts'::regclass AND mode LIKE 'AccessE%'"
    with open_connection(copy, is_autocommit=False) as migration, open_connection(copy) as watcher:

        def count() -> int:
            (number,) = watcher.execute(f"SELECT {held}".encode()).fetchone() or (0,)
            return int(number)

        counts = []
        for statement in (
            "SAVEPOINT before",
            "ALTER TABLE accounts ADD COLUMN later text",
            "UPDATE owners SET name = 'another'",
            "ROLLBACK TO before",
            "ALTER TABLE accounts ADD COLUMN later text",
            "COMMIT",
        ):
            migration.execute(statement.encode())
            counts.append(count())

    assert counts == [0, 1, 1, 0, 1, 0]


def test_lock_timeout_bounds_the_wait_and_not_the_work(copy: str) -> None:
    with open_connection(copy, is_autocommit=False) as report, open_connection(copy) as session:
        (unset,) = session.execute("SHOW lock_timeout").fetchone() or ("",)
        session.execute("SET lock_timeout = '20ms'")
        session.execute("BEGIN")
        session.execute("LOCK TABLE owners; SELECT pg_sleep(0.1)")
        report.execute("SELECT count(*) FROM accounts")
        with pytest.raises(psycopg.errors.LockNotAvailable) as refused:
            session.execute("ALTER TABLE accounts ADD COLUMN later text")
        state = session.info.transaction_status

    assert unset == "0"
    assert refused.value.sqlstate == "55P03"
    assert state is psycopg.pq.TransactionStatus.INERROR


(FIND_INVALID,) = [one for one in list_blocks(TEXT, "sql") if "indisvalid" in one]
BUILD = "CREATE INDEX CONCURRENTLY {}accounts_holder_idx ON accounts (holder)"


def test_a_build_that_is_cut_off_leaves_an_invalid_index(copy: str) -> None:
    with open_connection(copy, is_autocommit=False) as other, open_connection(copy) as session:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        session.execute("SET lock_timeout = '50ms'")
        # it has a snapshot, and uses none of the tables
        other.execute("SELECT 1")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            session.execute(BUILD.format("").encode())
        left = session.execute(FIND_INVALID.encode()).fetchall()
        other.rollback()
        with pytest.raises(psycopg.errors.DuplicateTable):
            session.execute(BUILD.format("").encode())
        session.execute(BUILD.format("IF NOT EXISTS ").encode())
        still = session.execute(FIND_INVALID.encode()).fetchall()
        session.execute("DROP INDEX CONCURRENTLY accounts_holder_idx")
        session.execute(BUILD.format("").encode())
        at_last = session.execute(FIND_INVALID.encode()).fetchall()

    assert left == still == [("accounts_holder_idx",)]
    assert at_last == []


def test_what_refuses_concurrently(copy: str) -> None:
    with open_connection(copy, is_autocommit=False) as transaction:
        transaction.execute("SELECT 1")
        with pytest.raises(psycopg.errors.ActiveSqlTransaction):
            transaction.execute("CREATE INDEX CONCURRENTLY ON accounts (holder)")
    with open_connection(copy) as session:
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            session.execute("CREATE INDEX CONCURRENTLY ON payments (id)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            session.execute("CREATE UNIQUE INDEX CONCURRENTLY holders ON accounts (holder)")
        assert session.execute(FIND_INVALID.encode()).fetchall() == [("holders",)]


def test_two_tables_of_a_foreign_key_stay_connected(copy: str) -> None:
    key = "ALTER TABLE accounts ADD FOREIGN KEY (owner_id) REFERENCES owners"
    insert = "INSERT INTO accounts VALUES (0, 1, 1, 'holder', 'code')"
    add, look_up, drop = observe_script(
        copy, [key, insert, "DROP TABLE accounts CASCADE"], in_transaction=False
    )

    assert find_mode(look_up, "owners") is LockMode.ROW_SHARE
    assert find_mode(drop, "owners") is LockMode.ACCESS_EXCLUSIVE
    assert find_mode(add, "owners") is LockMode.SHARE_ROW_EXCLUSIVE


def find_mode(statement: ObservedStatement, table: str) -> LockMode:
    (mode,) = [lock.mode for lock in statement.locks if lock.relation.name == table]
    return mode


def test_a_constraint_that_is_not_valid_holds_for_new_rows(copy: str) -> None:
    with open_connection(copy) as session:
        session.execute("UPDATE accounts SET balance = -1 WHERE id = 1")
        session.execute("ALTER TABLE accounts ADD CONSTRAINT c CHECK (balance >= 0) NOT VALID")
        with pytest.raises(psycopg.errors.CheckViolation):
            session.execute("UPDATE accounts SET balance = -1 WHERE id = 2")
        with pytest.raises(psycopg.errors.CheckViolation):
            session.execute("ALTER TABLE accounts VALIDATE CONSTRAINT c")


def test_not_null_can_be_not_valid_from_18_on(major: int, copy: str) -> None:
    statement = "ALTER TABLE accounts ADD CONSTRAINT c NOT NULL holder NOT VALID"

    (seen,) = observe_script(copy, [statement])

    assert (seen.error is None) is (major >= 18)
    assert seen.scans == ()


def test_a_check_of_its_own_saves_the_default_partition_the_scan(copy: str) -> None:
    bounds = "paid_on >= '2027-01-01' AND paid_on < '2028-01-01'"
    (attach,) = observe_script(
        copy,
        [list_claims(TEXT)[-2][-1].statement],
        before=[
            f"ALTER TABLE payments_2027 ADD CHECK ({bounds})",
            f"ALTER TABLE payments_rest ADD CHECK (NOT ({bounds}))",
        ],
    )

    assert "ATTACH" in attach.sql
    assert attach.error is None
    assert attach.scans == ()


def test_functions_are_as_volatile_as_the_page_says(copy: str) -> None:
    (sentence,) = re.findall(r"A default is \*volatile\*.*", TEXT)
    named = re.findall(r"`(\w+)\(\)`", sentence)
    query = "SELECT DISTINCT provolatile FROM pg_proc WHERE proname = %s AND pronargs = 0"
    with open_connection(copy) as session:
        found = {name: session.execute(query, (name,)).fetchall() for name in [*named, "now"]}

    assert len(named) == 3
    assert found == {**{name: [("v",)] for name in named}, "now": [("s",)]}
