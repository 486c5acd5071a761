"""Every change of type judged here does to a table and its values what `facts` say it does."""

from collections.abc import Iterator

import psycopg
import pytest

from safemigrate.facts import TypeChange, judge_type_change
from safemigrate.model import AddColumn, AlterColumnType
from safemigrate.server import Server
from safemigrate.sql import quote_literal, read_actions
from safemigrate.trace import open_connection

Connection = psycopg.Connection[tuple[object, ...]]

# Values at the edges of each type, by the first word of its name.
SAMPLES = {
    "smallint": ["-32768", "0", "32767"],
    "integer": ["-2147483648", "16777217", "2147483647"],
    "bigint": ["-9223372036854775808", "9007199254740993", "9223372036854775807"],
    "numeric(8,2)": ["-999999.99", "0.01", "NaN"],
    "numeric(8,4)": ["-9999.9999", "0.0001"],
    "numeric(8)": ["-99999999", "0", "NaN"],
    "numeric": ["1e30", "1.123456789012345678901", "NaN", "Infinity"],
    "real": ["3.4028235e38", "1.1", "1e-45", "NaN", "-Infinity"],
    "double": ["1.7976931348623157e308", "0.1", "0.30000000000000004", "NaN", "-0"],
    "money": ["-92233720368547758.08", "0.01"],
    "oid": ["0", "4294967295"],
    "boolean": ["true", "false"],
    "text": ["", "a", "trailing  ", "x" * 200, "Ünïcode", "<a>"],
    "varchar": ["", "a", "trailing  ", "x" * 200],
    "varchar(10)": ["", "a", "spaces  ", "x" * 10],
    "varchar(20)": ["", "a", "spaces  ", "x" * 20],
    "char(10)": ["", "a", "x" * 10],
    "char(20)": ["", "a", "x" * 20],
    "bit(4)": ["1010"],
    "bit(8)": ["10101010"],
    "varbit(4)": ["", "1", "1111"],
    "varbit(8)": ["", "1", "11111111"],
    "varbit": ["", "1" * 100],
    "date": ["0001-01-01 BC", "2024-02-29", "9999-12-31", "infinity"],
    "timestamp": ["2024-10-27 02:30:00.123456", "0001-01-01", "infinity"],
    "timestamp(3)": ["2024-10-27 02:30:00.123"],
    "timestamptz": ["2024-10-27 02:30:00.123456+00", "infinity"],
    "timestamptz(3)": ["2024-10-27 02:30:00.123+00"],
    "time": ["00:00:00", "23:59:59.999999"],
    "time(0)": ["00:00:00", "23:59:59"],
    "timetz": ["23:59:59.999999+05"],
    "interval": ["1 mon -3 days 00:00:00.000001", "25:00:00"],
    "interval(0)": ["1 mon -3 days 00:00:01"],
    "uuid": ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"],
    "json": ['{"b":1,  "a":2}', r'"\u0000"'],
    "jsonb": ['{"a": 1, "b": [null]}'],
    "bytea": [r"\x00ff"],
    "inet": ["10.0.0.1", "10.0.0.1/8", "::1/128"],
    "cidr": ["10.0.0.0/8", "::/0"],
    "mood": ["sad", "happy"],
    "smallint[]": ["{}", "{-32768,NULL}"],
    "integer[]": ["{}", "{-2147483648,NULL}"],
    "varchar(10)[]": ["{}", "{xxxxxxxxxx}"],
    "varchar[]": ["{}", "{xxxxxxxxxxxxxxxxxxxxx}"],
    "text[]": ["{}", "{xxxxxxxxxxxxxxxxxxxxx}"],
}

# From, to, and the cast where there is no assignment from one to the other.
CHANGES = [
    ("integer", "integer"),
    ("smallint", "integer"),
    ("smallint", "bigint"),
    ("smallint", "real"),
    ("smallint", "numeric"),
    ("integer", "smallint"),
    ("integer", "bigint"),
    ("integer", "numeric"),
    ("integer", "numeric(8,2)"),
    ("integer", "real"),
    ("integer", "double precision"),
    ("integer", "text"),
    ("integer", "varchar(10)"),
    ("integer", "varchar(20)"),
    ("integer", "oid"),
    ("integer", "boolean USING c::boolean"),
    ("oid", "bigint"),
    ("bigint", "integer"),
    ("bigint", "numeric"),
    ("bigint", "double precision"),
    ("bigint", "text"),
    ("bigint", "oid"),
    ("numeric(8,2)", "numeric(10,2)"),
    ("numeric(8,2)", "numeric"),
    ("numeric(8,2)", "numeric(10,4)"),
    ("numeric(8,2)", "numeric(9,4)"),
    ("numeric(8,2)", "numeric(8)"),
    ("numeric(8,2)", "numeric(6,2)"),
    ("numeric(8,4)", "numeric(8,2)"),
    ("numeric(8)", "numeric(10)"),
    ("numeric(8)", "numeric(10,2)"),
    ("numeric(8)", "integer"),
    ("numeric", "numeric(8,2)"),
    ("numeric", "double precision"),
    ("numeric", "bigint"),
    ("numeric", "text"),
    ("numeric(8,2)", "money"),
    ("real", "double precision"),
    ("real", "numeric"),
    ("real", "text"),
    ("double precision", "real"),
    ("double precision", "numeric"),
    ("double precision", "text"),
    ("money", "numeric"),
    ("money", "text"),
    ("boolean", "text"),
    ("boolean", "integer USING c::integer"),
    ("boolean", "varchar(10)"),
    ("text", "varchar"),
    ("text", "varchar(10)"),
    ("text", "char(10)"),
    ("text", "integer USING c::integer"),
    ("text", "mood USING c::mood"),
    ("varchar", "text"),
    ("varchar", "varchar(10)"),
    ("varchar(10)", "varchar(20)"),
    ("varchar(10)", "varchar"),
    ("varchar(10)", "text"),
    ("varchar(10)", "text USING c::text"),
    ("varchar(10)", "char(20)"),
    ("varchar(20)", "varchar(10)"),
    ("char(10)", "char(20)"),
    ("char(10)", "text"),
    ("char(10)", "varchar"),
    ("char(10)", "varchar(20)"),
    ("char(20)", "char(10)"),
    ("char(20)", "varchar(10)"),
    ("bit(4)", "bit(8)"),
    ("bit(4)", "varbit"),
    ("bit(4)", "varbit(8)"),
    ("bit(8)", "bit(4)"),
    ("varbit(4)", "varbit(8)"),
    ("varbit(4)", "varbit"),
    ("varbit(8)", "varbit(4)"),
    ("varbit", "varbit(8)"),
    ("varbit(4)", "bit(4)"),
    ("date", "timestamp"),
    ("date", "timestamptz"),
    ("date", "text"),
    ("timestamp", "date"),
    ("timestamp", "timestamptz"),
    ("timestamp", "timestamp(3)"),
    ("timestamp(3)", "timestamp"),
    ("timestamp(3)", "timestamptz"),
    ("timestamp", "time"),
    ("timestamp", "text"),
    ("timestamptz", "timestamp"),
    ("timestamptz", "timestamptz(3)"),
    ("timestamptz(3)", "timestamptz"),
    ("timestamptz", "date"),
    ("time", "time(0)"),
    ("time(0)", "time"),
    ("time", "interval"),
    ("time", "timetz"),
    ("timetz", "time"),
    ("interval", "interval(0)"),
    ("interval(0)", "interval"),
    ("interval", "text"),
    ("interval", "time"),
    ("uuid", "text"),
    ("uuid", "bytea USING c::text::bytea"),
    ("json", "jsonb"),
    ("json", "text"),
    ("jsonb", "json"),
    ("jsonb", "text"),
    ("bytea", "text"),
    ("inet", "cidr"),
    ("inet", "text"),
    ("cidr", "inet"),
    ("cidr", "text"),
    ("mood", "text"),
    ("mood", "varchar"),
    ("smallint[]", "integer[]"),
    ("integer[]", "smallint[]"),
    ("varchar(10)[]", "varchar[]"),
    ("varchar(10)[]", "text[]"),
    ("varchar[]", "varchar(10)[]"),
    ("text[]", "varchar[]"),
]
# Changes whose values are the user's own affair, of types of which one has no sample everywhere, or
# that change how a value reads and lose none.
REWRITES_ALONE = [
    ("oid", "integer"),
    ("varchar(10)", "text USING upper(c)"),
    ("xml", "text"),
    ("xml", "varchar"),
    ("xml", "varchar(10)"),
    ("text", "xml USING c::xml"),
]
TIMEZONES = ["UTC", "Europe/Oslo"]
BETWEEN_TIMESTAMPS = [
    ("timestamp", "timestamptz"),
    ("timestamptz", "timestamp"),
    ("timestamp(3)", "timestamptz"),
]


def each(changes: list[tuple[str, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("old", "new"), changes, ids=[f"{old} to {new}" for old, new in changes]
    )


@pytest.fixture(scope="module")
def connection(embedded_server: Server) -> Iterator[Connection]:
    """A connection whose work is rolled back test by test."""
    name = embedded_server.create_database()
    with open_connection(embedded_server.url(name), is_autocommit=False) as opened:
        run(opened, "CREATE TYPE mood AS ENUM ('sad', 'happy')")
        opened.commit()
        yield opened
    embedded_server.drop_database(name)


@pytest.fixture(autouse=True)
def _rollback(connection: Connection) -> Iterator[None]:
    yield
    connection.rollback()


def run(connection: Connection, sql: str) -> None:
    connection.execute(sql.encode())


def ask(connection: Connection, sql: str) -> object:
    row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return row[0]


def judge(old: str, new: str, timezone: str = "UTC") -> TypeChange:
    """Return the judgement of the change as the statement spells it."""
    (adding,) = read_actions(f"ALTER TABLE t ADD COLUMN c {old}")
    (changing,) = read_actions(f"ALTER TABLE t ALTER COLUMN c TYPE {new}")
    assert isinstance(adding, AddColumn)
    assert isinstance(changing, AlterColumnType)
    return judge_type_change(
        adding.column.type, changing.type, column="c", using=changing.using, timezone=timezone
    )


def rewrites(connection: Connection, old: str, new: str) -> bool:
    """Return whether the server gives the table a new file for the change."""
    run(connection, f"CREATE TABLE t (c {old})")
    before = ask(connection, "SELECT pg_relation_filenode('t')")
    run(connection, f"ALTER TABLE t ALTER COLUMN c TYPE {new}")
    after = ask(connection, "SELECT pg_relation_filenode('t')")
    return before != after


def loses(connection: Connection, old: str, new: str, value: str) -> bool:
    """Return whether the change fails for the value, or changing it back gives another one."""
    run(connection, "SAVEPOINT one")
    try:
        run(connection, f"CREATE TABLE t (c {old})")
        run(connection, f"INSERT INTO t VALUES ({quote_literal(value)})")  # noqa: S608 - quoted
        first = ask(connection, "SELECT c::text FROM t")
        try:
            run(connection, f"ALTER TABLE t ALTER COLUMN c TYPE {new}")
            run(connection, f"ALTER TABLE t ALTER COLUMN c TYPE {old} USING c::text::{old}")
        except (psycopg.DataError, psycopg.errors.FeatureNotSupported):
            return True
        return ask(connection, "SELECT c::text FROM t") != first
    finally:
        run(connection, "ROLLBACK TO one")


def samples_of(name: str) -> list[str]:
    return SAMPLES["double" if name == "double precision" else name]


def test_enough_pairs_are_compared() -> None:
    assert len(set(CHANGES)) == len(CHANGES) >= 60


@each(CHANGES + REWRITES_ALONE)
def test_a_table_is_rewritten_where_it_is_judged_to_be(
    old: str, new: str, connection: Connection
) -> None:
    run(connection, "SET LOCAL timezone = 'UTC'")
    assert judge(old, new).rewrites == rewrites(connection, old, new)


@pytest.mark.parametrize("timezone", TIMEZONES)
@each(BETWEEN_TIMESTAMPS)
def test_between_timestamps_the_zone_of_the_session_decides(
    old: str, new: str, timezone: str, connection: Connection
) -> None:
    run(connection, f"SET LOCAL timezone = '{timezone}'")
    assert judge(old, new, timezone).rewrites == rewrites(connection, old, new)


@each(CHANGES)
def test_a_value_is_lost_where_the_change_is_judged_to_narrow(
    old: str, new: str, connection: Connection
) -> None:
    run(connection, "SET LOCAL timezone = 'UTC'")
    lost = [value for value in samples_of(old) if loses(connection, old, new, value)]
    assert judge(old, new).narrows == bool(lost), lost
