"""H08: the upgrade applies where the tables have rows."""

import pytest

from safemigrate.model import Property, Standing
from safemigrate.source.excerpt import show_path
from tests.verify.conftest import Scaffold

SUBJECT = Property.APPLIES_ON_ROWS
TABLE = "CREATE TABLE users (id serial PRIMARY KEY, email text, born date NOT NULL, n bigint)"


def begin(scaffold: Scaffold, *statements: str) -> Scaffold:
    scaffold.add("r1", "\n".join([TABLE, *statements]), "DROP TABLE users CASCADE")
    return scaffold


def test_not_null_on_a_column_with_nulls_is_broken(anywhere: Scaffold) -> None:
    begin(anywhere).add(
        "r2",
        "ALTER TABLE users ALTER email SET NOT NULL",
        "ALTER TABLE users ALTER email DROP NOT NULL",
    )
    check = anywhere.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert '"email" of relation "users" contains null values' in check.reason
    assert "SQLSTATE 23502" in check.reason
    assert "in: ALTER TABLE users ALTER email SET NOT NULL" in check.reason
    assert any(line.startswith("public.users.email is NULL in") for line in check.details)
    assert "it applies where all rows meet the schema after it already" in check.details
    assert '"samples/r2.sql", and name the folder: --samples samples; or say' in check.help
    assert "accept[applies-on-rows]" in check.help
    assert anywhere.path("r2").read_text().splitlines()[check.line - 1].strip().startswith("op.")
    assert check.path.endswith("r2.py")


def test_filling_the_column_first_holds(anywhere: Scaffold) -> None:
    begin(anywhere).add(
        "r2",
        """
        UPDATE users SET email = 'nobody ' || id WHERE email IS NULL
        ALTER TABLE users ALTER email SET NOT NULL
        """,
        "ALTER TABLE users ALTER email DROP NOT NULL",
    )
    check = anywhere.check(SUBJECT)
    assert check.standing is Standing.HOLDS
    assert check.reason == "tried with rows in public.users (100)"


def test_nothing_else_is_broken(scaffold: Scaffold) -> None:
    begin(scaffold).add(
        "r2",
        "SET LOCAL lock_timeout = '1s'\nALTER TABLE users ALTER email SET NOT NULL",
        "SET LOCAL lock_timeout = '1s'\nALTER TABLE users ALTER email DROP NOT NULL",
    )
    assert scaffold.broken() == {SUBJECT}


# What fails on rows, and what the server says.
FAILING = {
    "ALTER TABLE users ADD c integer NOT NULL": "23502",
    "ALTER TABLE users ADD CHECK (email ~ '@')": "23514",
    "CREATE UNIQUE INDEX ON users (email)": "23505",
    "ALTER TABLE users ADD UNIQUE (born)": "23505",
    "ALTER TABLE users ALTER email TYPE integer USING email::integer": "22P02",
    "ALTER TABLE users ALTER email TYPE varchar(100)": "22001",
    "ALTER TABLE users ALTER n TYPE integer": "22003",
    "ALTER TABLE users ADD FOREIGN KEY (n) REFERENCES others": "23503",
    "UPDATE users SET n = 100 / n": "22012",
    "INSERT INTO others (id) SELECT 1 FROM users": "23505",
}


@pytest.mark.parametrize("statement", FAILING)
def test_what_fails_on_rows_alone_is_broken(scaffold: Scaffold, statement: str) -> None:
    begin(scaffold, "CREATE TABLE others (id bigint PRIMARY KEY)").add("r2", statement, "pass")
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert f"(SQLSTATE {FAILING[statement]})" in check.reason
    assert f"in: {statement}" in check.reason


def test_a_column_without_a_default_fails_on_any_row(scaffold: Scaffold) -> None:
    begin(scaffold).add("r2", "ALTER TABLE users ADD c integer NOT NULL", "pass")
    check = scaffold.check(SUBJECT)
    assert "public.users has 100 rows, and nothing gives them a value of c" in check.details
    assert "it also fails on rows that meet the schema after it" in check.details


def test_the_key_that_is_there_twice_is_named(scaffold: Scaffold) -> None:
    begin(scaffold).add("r2", "ALTER TABLE users ADD UNIQUE (email)", "pass")
    check = scaffold.check(SUBJECT)
    assert "Key (email)=(" in check.reason
    assert "is duplicated" in check.reason
    assert "it applies where all rows meet the schema after it already" in check.details


def test_a_key_to_come_has_no_value_twice_where_a_trigger_wants_others(scaffold: Scaffold) -> None:
    begin(
        scaffold,
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.email IS NULL THEN "
        "RAISE EXCEPTION ''email needed''; END IF; RETURN NEW; END'",
        "CREATE TRIGGER needed BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()",
    )
    scaffold.add("r2", "CREATE UNIQUE INDEX once ON users (email)", "DROP INDEX once")
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert "it applies where all rows meet the schema after it already" in check.details


def test_a_long_value_is_cut(scaffold: Scaffold) -> None:
    samples = scaffold.folder / "samples"
    samples.mkdir()
    (samples / "r2.sql").write_text(
        "INSERT INTO users (email, born) SELECT repeat('x', 300), '2024-01-01' FROM"
        " generate_series(1, 2)"
    )
    begin(scaffold).add("r2", "ALTER TABLE users ADD UNIQUE (email)", "pass")
    reason = scaffold.check(SUBJECT, samples=samples).reason
    assert f"Key (email)=({'x' * 31}…) is duplicated" in reason


@pytest.mark.parametrize(
    "statements",
    [
        "ALTER TABLE users ADD c integer",
        "ALTER TABLE users ADD c integer NOT NULL DEFAULT 7",
        "ALTER TABLE users ADD CHECK (email <> '') NOT VALID",
        "ALTER TABLE users ALTER n TYPE numeric(20, 2)",
        "ALTER TABLE users ALTER born TYPE timestamptz",
        "CREATE UNIQUE INDEX ON users (email, id)",
        """
        DELETE FROM users a USING users b WHERE a.born = b.born AND a.id > b.id
        CREATE UNIQUE INDEX ON users (born)
        """,
        "UPDATE users SET n = 100 / nullif(n, 0)",
        "DROP TABLE users",
    ],
)
def test_what_applies_on_rows_holds(scaffold: Scaffold, statements: str) -> None:
    begin(scaffold).add("r2", statements, "pass")
    check = scaffold.check(SUBJECT)
    assert (check.standing, check.reason) == (
        Standing.HOLDS,
        "tried with rows in public.users (100)",
    )


def test_a_constraint_that_is_not_valid_yet_keeps_such_rows_out_before(scaffold: Scaffold) -> None:
    begin(scaffold, "ALTER TABLE users ADD CONSTRAINT c CHECK (email LIKE '%@%') NOT VALID").add(
        "r2", "ALTER TABLE users VALIDATE CONSTRAINT c", "pass"
    )
    assert scaffold.check(SUBJECT).standing is Standing.HOLDS


def test_tables_that_refer_to_a_touched_one_have_rows_too(scaffold: Scaffold) -> None:
    begin(
        scaffold,
        "CREATE TABLE posts (id serial PRIMARY KEY, author integer NOT NULL REFERENCES users)",
    ).add("r2", "DELETE FROM users", "pass")
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert "(SQLSTATE 23503)" in check.reason


def test_an_error_of_python_code_on_rows(scaffold: Scaffold) -> None:
    code = """
    for row in op.get_bind().execute(sa.text("SELECT email FROM users")):
        row.email.lower()
    """
    begin(scaffold).add("r2", "ALTER TABLE users ADD c integer", "pass")
    scaffold.add("r3", f'op.execute("ALTER TABLE users ADD d integer"){code}', "pass")
    scaffold.path("r3").write_text(
        scaffold.path("r3").read_text().replace('d integer")\n        for', 'd integer")\n    for')
    )
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert "'NoneType' object has no attribute 'lower'" in check.reason


def test_a_new_table_has_no_rows_to_fail_on(scaffold: Scaffold) -> None:
    begin(scaffold)
    check = scaffold.check(SUBJECT)
    assert (check.standing, check.reason) == (
        Standing.HOLDS,
        "it touches no table that was there before",
    )


def test_partitions_and_other_schemas(scaffold: Scaffold) -> None:
    scaffold.add(
        "r1",
        """
        CREATE SCHEMA app
        CREATE TABLE app.e (at date NOT NULL, n integer) PARTITION BY RANGE (at)
        CREATE TABLE app.e1 PARTITION OF app.e FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
        CREATE TABLE app.e2 PARTITION OF app.e DEFAULT
        """,
        "DROP SCHEMA app CASCADE",
    )
    scaffold.add("r2", "ALTER TABLE app.e2 ALTER n SET NOT NULL", "pass")
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert "SQLSTATE 23502" in check.reason


def test_a_table_that_cannot_be_filled_asks_for_a_sample(scaffold: Scaffold) -> None:
    begin(
        scaffold,
        "CREATE FUNCTION never(bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = 421'",
        "ALTER TABLE users ADD CONSTRAINT odd CHECK (never(n)), ALTER n SET NOT NULL",
    ).add("r2", "ALTER TABLE users ADD c integer", "ALTER TABLE users DROP c")
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.UNKNOWN
    assert check.reason == (
        'no rows could be generated in public.users: no values were found that meet "odd"'
    )
    assert check.help == (
        'write INSERT statements for such rows into "samples/r2.sql", and name the folder: '
        "--samples samples"
    )


def test_a_sample_stands_for_the_rows_of_its_table(scaffold: Scaffold) -> None:
    samples = scaffold.folder / "samples"
    samples.mkdir()
    (samples / "r2.sql").write_text(
        "INSERT INTO users (email, born) SELECT 'u' || i, '2024-01-01' FROM generate_series(1, 9) i"
    )
    begin(scaffold).add(
        "r2", "ALTER TABLE users ALTER email SET NOT NULL, ADD UNIQUE (email)", "pass"
    )
    check = scaffold.check(SUBJECT, samples=samples)
    assert (check.standing, check.reason) == (
        Standing.HOLDS,
        "tried with rows in public.users (9)",
    )
    (samples / "r2.sql").write_text("INSERT INTO users (born) VALUES ('2024-01-01')")
    check = scaffold.check(SUBJECT, samples=samples)
    assert check.standing is Standing.BROKEN
    assert "public.users.email is NULL in 1 of 1 rows: 1" in check.details
    assert f'what rows look like in "{show_path(samples / "r2.sql")}"; or say' in check.help


AGAIN = (
    "INSERT INTO done SELECT 'r2-' || id FROM users WHERE id < 4\nALTER TABLE users ADD c integer"
)


def test_a_second_upgrade_that_fails_on_what_the_first_wrote_is_broken(scaffold: Scaffold) -> None:
    scaffold.add(
        "r1",
        f"{TABLE}\nCREATE TABLE done (step text PRIMARY KEY)",
        "DROP TABLE users, done",
    )
    timeout = "SET LOCAL lock_timeout = '1s'\n"
    scaffold.add("r2", timeout + AGAIN, timeout + "ALTER TABLE users DROP c")
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("upgraded again on the same rows, it fails: ")
    assert "(SQLSTATE 23505)" in check.reason
    lines = scaffold.path("r2").read_text().splitlines()
    assert "INSERT INTO done" in lines[check.line - 1]
    assert scaffold.broken() == {SUBJECT}


def test_a_second_upgrade_is_tried_with_rows_that_the_downgrade_takes(scaffold: Scaffold) -> None:
    begin(scaffold, "CREATE TABLE done (step text PRIMARY KEY)").add(
        "r2",
        AGAIN + "\nALTER TABLE users ALTER born DROP NOT NULL",
        "ALTER TABLE users DROP c\nALTER TABLE users ALTER born SET NOT NULL",
    )
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert "upgraded again on the same rows, it fails: " in check.reason


def test_a_second_upgrade_that_fails_without_rows_too_is_told_elsewhere(scaffold: Scaffold) -> None:
    begin(scaffold).add("r2", "ALTER TABLE users ADD c integer", "SELECT 1")
    assert scaffold.check(SUBJECT).standing is Standing.HOLDS
    assert scaffold.check(Property.APPLIES_AGAIN).standing is Standing.BROKEN


def test_a_marker_accepts_it(scaffold: Scaffold) -> None:
    begin(scaffold).add("r2", "ALTER TABLE users ADD UNIQUE (email)", "pass")
    path = scaffold.path("r2")
    path.write_text(path.read_text() + "\n# safemigrate: accept[applies-on-rows] none is twice\n")
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.ACCEPTED
    assert check.reason.endswith("accepted: none is twice")


def test_the_number_of_rows_is_chosen(scaffold: Scaffold) -> None:
    begin(scaffold).add("r2", "ALTER TABLE users ADD c integer", "pass")
    assert scaffold.check(SUBJECT, rows=7).reason == "tried with rows in public.users (7)"
