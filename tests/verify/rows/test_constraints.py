"""Generated rows that meet conditions and keep keys."""

import pytest

from safemigrate.model import QualifiedName
from safemigrate.trace import Connection
from tests.verify.rows.conftest import MADE, ask, fill, make

# A column, or a whole table, and what is asked of it besides.
CONDITIONS = """
a integer CHECK (a > 0)
a integer CHECK (a >= 18 AND a < 100 AND a <> 42)
a integer CHECK (a IN (3, 5, 8))
a integer CHECK (a = ANY (ARRAY[10, 20])), b text CHECK (b IN ('x', 'it''s', 'a,b'))
a numeric(5, 2) CHECK (a BETWEEN 0.25 AND 0.75)
a numeric CHECK (a > 1000000 OR a < -1000000)
a double precision CHECK (a BETWEEN -180 AND 180), b double precision CHECK (abs(b) <= 90)
a smallint CHECK (a % 7 = 0)
a text NOT NULL CHECK (a <> '')
a text NOT NULL CHECK (length(a) = 3)
a text NOT NULL CHECK (char_length(a) BETWEEN 10 AND 12)
a text NOT NULL CHECK (octet_length(a) > 500)
a text CHECK (a LIKE 'INV-%')
a text NOT NULL CHECK (a LIKE '__-%' AND a NOT LIKE '%x%')
a text NOT NULL CHECK (a ILIKE 'https://%.example')
a text NOT NULL CHECK (a ~ '^[A-Z]{2}\\d{6,8}$')
a text NOT NULL CHECK (a ~* '^[^@\\s]+@[a-z0-9.-]+\\.(com|org)$')
a char(2) NOT NULL CHECK (a = upper(a) AND a ~ '^[A-Z]{2}$')
a varchar(12) NOT NULL CHECK (a ~ '^(\\+[0-9]{1,3})?[ ][0-9]{4,6}$')
a text NOT NULL CHECK (a = lower(a)), b text CHECK (b = btrim(b))
a date NOT NULL CHECK (a >= '2020-01-01' AND a < '2021-01-01')
a timestamptz CHECK (a > '2030-01-01 00:00:00+00')
a time CHECK (a BETWEEN '09:00' AND '17:00')
a interval NOT NULL CHECK (a > '0' AND a < '1 hour')
a date NOT NULL, b date, CHECK (a <= b)
a integer NOT NULL, b integer NOT NULL, c integer NOT NULL, CHECK (a < b AND b < c)
a integer, b integer, CHECK ((a IS NULL) <> (b IS NULL))
a integer, b text, c date, CHECK (num_nonnulls(a, b, c) = 1)
a integer NOT NULL, b integer NOT NULL, CHECK (a = b)
a integer NOT NULL, b integer NOT NULL, CHECK (a + b = 10)
a text NOT NULL, b integer, CHECK (a IN ('open', 'closed')), CHECK (a <> 'closed' OR b IS NOT NULL)
a boolean NOT NULL, b text, CHECK (NOT a OR b IS NOT NULL)
a jsonb NOT NULL CHECK (jsonb_typeof(a) = 'array')
a jsonb NOT NULL CHECK (a ? 'a')
a text[] NOT NULL CHECK (cardinality(a) = 2)
a text[] NOT NULL CHECK (array_length(a, 1) >= 1 AND NOT a @> '{x}')
a int4range NOT NULL CHECK (NOT isempty(a) AND upper_inf(a))
a bytea NOT NULL CHECK (octet_length(a) = 32)
a inet NOT NULL CHECK (family(a) = 6)
a uuid NOT NULL CHECK (a <> '00000000-0000-0000-0000-000000000000')
a text COLLATE "C" NOT NULL CHECK (a > 'm')
a integer CHECK (a > 0) CHECK (a < 10) UNIQUE
a integer NOT NULL CHECK (a / nullif(b, 0) > 2), b integer NOT NULL CHECK (b > 0)
a text NOT NULL CHECK (a::integer > 7)
"order" integer CHECK ("order" > 5), "Mixed ""case" text CHECK ("Mixed ""case" LIKE 'q%')
a integer NOT NULL, b integer GENERATED ALWAYS AS (a * 2) STORED CHECK (b > 100)
""".strip().splitlines()


@pytest.mark.parametrize("body", CONDITIONS)
def test_conditions_are_met(connection: Connection, body: str) -> None:
    make(connection, f"CREATE TABLE t (id serial PRIMARY KEY, {body})")
    filling = fill(connection, "t")
    assert filling.unsolved == {}
    # where one is not found within the budget, there are a few rows less
    least = 9 if "UNIQUE" in body else 85
    assert filling.rows[QualifiedName("public", "t")] >= least


# What makes a key, with how many rows of 100 there may be.
KEYS = {
    "a integer UNIQUE": 100,
    "a varchar(2) UNIQUE": 100,
    "a char(1) NOT NULL UNIQUE": 27,
    "a boolean NOT NULL UNIQUE": 2,
    "a boolean NOT NULL, b integer NOT NULL, UNIQUE (a, b)": 100,
    "a boolean NOT NULL, b mood NOT NULL, c weekday NOT NULL, UNIQUE (a, b, c)": 12,
    "a date UNIQUE, b timestamptz UNIQUE, c uuid UNIQUE, d jsonb UNIQUE, e inet UNIQUE": 100,
    "a numeric(3, 1) UNIQUE, b money UNIQUE, c interval UNIQUE, d bytea UNIQUE": 100,
    "a text[] UNIQUE, b point, c int4range UNIQUE, d macaddr UNIQUE, e bit(9) UNIQUE": 100,
    "a mood UNIQUE": 100,  # NULL does not count
    "a integer UNIQUE DEFERRABLE INITIALLY DEFERRED": 100,
    "a int4range NOT NULL, EXCLUDE USING gist (a WITH &&)": 100,
    "a tstzrange NOT NULL, EXCLUDE USING gist (a WITH &&)": 100,
    "a circle NOT NULL, EXCLUDE USING gist (a WITH &&)": 90,
    "a text NOT NULL CHECK (a ~ '^[A-Z]{3}$') UNIQUE": 20,
}


@pytest.mark.parametrize("body", KEYS)
def test_keys_are_kept(connection: Connection, body: str) -> None:
    make(connection, MADE, f"CREATE TABLE t (id serial PRIMARY KEY, {body})")
    filling = fill(connection, "t")
    assert filling.unsolved == {}
    assert filling.rows[QualifiedName("public", "t")] >= KEYS[body]


def test_indexes_that_are_unique_in_their_own_way_are_kept(major: Connection) -> None:
    make(
        major,
        "CREATE TABLE t (id serial PRIMARY KEY, email text NOT NULL, n integer,"
        " state text NOT NULL CHECK (state IN ('on', 'off')))",
        "CREATE UNIQUE INDEX ON t (lower(email))",
        "CREATE UNIQUE INDEX ON t (n) WHERE state = 'on'",
    )
    if major.info.server_version >= 150000:
        make(major, "CREATE UNIQUE INDEX ON t (n, state) NULLS NOT DISTINCT")
    filling = fill(major, "t")
    assert (filling.rows[QualifiedName("public", "t")] >= 90, filling.unsolved) == (True, {})
    assert ask(major, "SELECT count(DISTINCT state) FROM t") == [(2,)]
