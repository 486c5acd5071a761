"""H09: upgrade and downgrade lose nothing that was written before or in between."""

import re
from typing import Any

import pytest

from safemigrate.model import Check, Property, Standing
from safemigrate.source.excerpt import show_path
from tests.verify.conftest import Scaffold

SUBJECT = Property.KEEPS_ROWS
TABLE = (
    "CREATE TABLE t (id serial PRIMARY KEY, name varchar(40), price numeric(12, 4) NOT NULL,"
    " at timestamptz, data jsonb)"
)


def prove(scaffold: Scaffold, upgrade: str, downgrade: str, **choices: Any) -> Check:
    """Prove a revision of the table `t`."""
    scaffold.add("r1", TABLE, "DROP TABLE t CASCADE")
    scaffold.add("r2", upgrade, downgrade)
    return scaffold.check(SUBJECT, **choices)


def test_a_column_that_comes_back_empty_is_broken(anywhere: Scaffold) -> None:
    check = prove(
        anywhere, "ALTER TABLE t DROP COLUMN name", "ALTER TABLE t ADD COLUMN name varchar(40)"
    )
    assert check.standing is Standing.BROKEN
    assert check.reason == "up and down loses values of public.t.name written before the upgrade"
    assert any(
        "public.t.name:" in line and "id=1: 'text' -> NULL" in line for line in check.details
    )
    assert "accept[keeps-rows]" in check.help


def test_a_column_that_is_kept_aside_holds(anywhere: Scaffold) -> None:
    check = prove(
        anywhere, "ALTER TABLE t RENAME name TO title", "ALTER TABLE t RENAME title TO name"
    )
    assert (check.standing, check.details) == (Standing.HOLDS, ())


def test_nothing_else_is_broken(scaffold: Scaffold) -> None:
    scaffold.add("r1", TABLE, "DROP TABLE t")
    scaffold.add(
        "r2",
        "SET LOCAL lock_timeout = '1s'\nUPDATE t SET name = upper(name) WHERE id < 20",
        "SET LOCAL lock_timeout = '1s'\nUPDATE t SET name = lower(name) WHERE id < 20",
    )
    assert scaffold.broken() == {SUBJECT}


# What up and down does to values, in which column.
LOSING = {
    "ALTER TABLE t ALTER at TYPE timestamptz(3)|ALTER TABLE t ALTER at TYPE timestamptz": "at",
    "ALTER TABLE t ALTER at TYPE date|ALTER TABLE t ALTER at TYPE timestamptz": "at",
    "ALTER TABLE t ALTER price TYPE numeric(12, 2)|ALTER TABLE t ALTER price TYPE numeric(12, 4)": (
        "price"
    ),
    "ALTER TABLE t ALTER price TYPE real|ALTER TABLE t ALTER price TYPE numeric(12, 4)": "price",
    "UPDATE t SET name = '' WHERE name IS NULL|UPDATE t SET name = NULL WHERE name = ''": "name",
    "UPDATE t SET name = NULL WHERE name = ''|SELECT 1": "name",
    "UPDATE t SET price = price * 100 WHERE price < 1000|SELECT 1": "price",
    "ALTER TABLE t ALTER name TYPE varchar(9) USING left(name, 9)"
    "|ALTER TABLE t ALTER name TYPE varchar(40)": "name",
    "DELETE FROM t WHERE name IS NULL|SELECT 1": "",
    "DROP TABLE t|" + TABLE: "",
    "CREATE TABLE u AS SELECT id, name FROM t; ALTER TABLE t DROP name"
    "|ALTER TABLE t ADD name varchar(40); DROP TABLE u": "name",
}


@pytest.mark.parametrize("way", LOSING)
def test_values_are_lost(scaffold: Scaffold, way: str) -> None:
    upgrade, downgrade = way.split("|")
    check = prove(scaffold, upgrade, downgrade)
    what = f"values of public.t.{LOSING[way]} " if LOSING[way] else "rows of public.t "
    assert check.standing is Standing.BROKEN
    assert f"loses {what}written before the upgrade" in check.reason


KEEPING = [
    (
        "ALTER TABLE t ALTER at TYPE timestamp USING at AT TIME ZONE 'UTC'"
        "|ALTER TABLE t ALTER at TYPE timestamptz USING at AT TIME ZONE 'UTC'"
    ),
    "ALTER TABLE t ALTER data TYPE text|ALTER TABLE t ALTER data TYPE jsonb USING data::jsonb",
    "ALTER TABLE t ALTER price TYPE numeric(20, 8)|ALTER TABLE t ALTER price TYPE numeric(12, 4)",
    "UPDATE t SET price = -price|UPDATE t SET price = -price",
    (
        "CREATE TABLE u AS SELECT id, name FROM t; ALTER TABLE t DROP name"
        "|ALTER TABLE t ADD name varchar(40); UPDATE t SET name = u.name FROM u WHERE u.id = t.id;"
        " DROP TABLE u"
    ),
    "ALTER TABLE t RENAME TO things|ALTER TABLE things RENAME TO t",
    "CREATE INDEX ON t (name)|DROP INDEX t_name_idx",
    "ALTER TABLE t ALTER id TYPE bigint|ALTER TABLE t ALTER id TYPE integer",
    "ALTER TABLE t ALTER price DROP NOT NULL|ALTER TABLE t ALTER price SET NOT NULL",
]


@pytest.mark.parametrize("way", KEEPING)
def test_values_are_kept(scaffold: Scaffold, way: str) -> None:
    upgrade, downgrade = way.split("|")
    check = prove(scaffold, upgrade, downgrade)
    assert (check.standing, check.reason) != (Standing.BROKEN, "")
    assert check.standing is Standing.HOLDS, check


def test_what_only_the_new_schema_has_is_named_per_column(scaffold: Scaffold) -> None:
    check = prove(scaffold, "ALTER TABLE t ADD c integer", "ALTER TABLE t DROP c")
    assert check.standing is Standing.HOLDS
    assert check.reason == "the downgrade loses what only the new schema has"
    [line] = check.details
    assert line.startswith("only the new schema has it: public.t.c: ")
    assert "such as id=101: " in line
    assert line.endswith(" -> NULL")


def test_what_the_downgrade_moves_elsewhere_is_no_loss(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "ALTER TABLE t ADD c text; UPDATE t SET c = data ->> 'c'",
        "UPDATE t SET data = jsonb_set(coalesce(data, '{}'), '{c}', to_jsonb(c))"
        " WHERE c IS NOT NULL; ALTER TABLE t DROP c",
    )
    # `data` has one more key then, which the next upgrade does not take out
    assert not any("public.t.c:" in line for line in check.details)


def test_values_written_after_the_upgrade_that_are_cut_are_a_loss(anywhere: Scaffold) -> None:
    check = prove(
        anywhere,
        "ALTER TABLE t ALTER name TYPE varchar(80)",
        "ALTER TABLE t ALTER name TYPE varchar(40) USING left(name, 40)",
    )
    assert check.standing is Standing.BROKEN
    assert check.reason == "up and down loses values of public.t.name written after the upgrade"


def test_rows_written_after_the_upgrade_that_are_deleted_are_a_loss(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "ALTER TABLE t ALTER price DROP NOT NULL",
        "DELETE FROM t WHERE price IS NULL; ALTER TABLE t ALTER price SET NOT NULL",
    )
    assert check.standing is Standing.BROKEN
    assert check.reason == "up and down loses rows of public.t written after the upgrade"


# How rows come to be drawn in several rounds, so that positions and counts are not the same.
DRAWN_AGAIN = {
    "nothing": "",
    "a check": "ALTER TABLE a ADD CHECK (state IN ('on', 'off'))",
    "a trigger": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.phone IS NULL THEN "
        "RAISE EXCEPTION ''phone needed''; END IF; RETURN NEW; END'\n"
        "CREATE TRIGGER needed BEFORE INSERT ON a FOR EACH ROW EXECUTE FUNCTION f()"
    ),
}
ACCOUNTS = (
    "CREATE TABLE a (id bigint PRIMARY KEY, bal numeric(12, 2) NOT NULL DEFAULT 0, "
    "state text NOT NULL DEFAULT 'on', phone text, deleted boolean NOT NULL DEFAULT false)"
)


@pytest.mark.parametrize("made", DRAWN_AGAIN)
def test_a_row_with_the_key_of_a_deleted_one_is_no_changed_value(
    scaffold: Scaffold, made: str
) -> None:
    scaffold.add("r1", f"{ACCOUNTS}\n{DRAWN_AGAIN[made]}", "DROP TABLE a")
    scaffold.add("r2", "DELETE FROM a WHERE deleted", "SELECT 1")
    check = scaffold.check(SUBJECT)
    assert check.reason == "up and down loses rows of public.a written before the upgrade"
    [line] = check.details
    assert "rows gone" in line


def test_rows_that_are_put_aside_meet_no_other_with_their_key(scaffold: Scaffold) -> None:
    scaffold.add("r1", f"{ACCOUNTS}\n{DRAWN_AGAIN['a check']}", "DROP TABLE a")
    scaffold.add(
        "r2",
        "CREATE TABLE kept AS SELECT * FROM a WHERE deleted\nDELETE FROM a WHERE deleted",
        "INSERT INTO a SELECT * FROM kept\nDROP TABLE kept",
    )
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.HOLDS, check.reason


def test_a_sample_that_takes_the_key_of_a_deleted_row(scaffold: Scaffold) -> None:
    samples = scaffold.folder / "samples"
    samples.mkdir()
    (samples / "r2.sql").write_text("INSERT INTO t (id, price) VALUES (1, 1), (2, 2)")
    (samples / "r2.after.sql").write_text("INSERT INTO t (id, name, price) VALUES (2, 'new', 3)")
    check = prove(scaffold, "DELETE FROM t WHERE id = 2", "SELECT 1", samples=samples)
    assert check.details == ("written before the upgrade: public.t: 1 row gone, such as id=2",)


def test_a_downgrade_that_refuses_new_values_loses_nothing(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "ALTER TABLE t ALTER name TYPE varchar(80)",
        "ALTER TABLE t ALTER name TYPE varchar(40)",
    )
    assert (check.standing, check.details) == (Standing.HOLDS, ())
    assert check.warning.startswith(
        "the downgrade refuses rows that only the new schema takes: value too long"
    )
    assert "(SQLSTATE 22001)" in check.warning
    assert check.path == show_path(scaffold.path("r2"))
    assert "ALTER TABLE" in scaffold.path("r2").read_text().splitlines()[check.line - 1]


def test_a_downgrade_that_refuses_new_values_and_loses_others_says_both(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "ALTER TABLE t ALTER name TYPE varchar(80); ALTER TABLE t DROP data",
        "ALTER TABLE t ALTER name TYPE varchar(40); ALTER TABLE t ADD data jsonb",
    )
    assert (check.standing, check.warning) == (Standing.BROKEN, "")
    assert check.details[-1].startswith("the downgrade refuses rows that only the new schema takes")


def test_rows_that_are_deleted_where_the_type_of_the_key_differs(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "ALTER TABLE t ALTER id TYPE bigint",
        "DELETE FROM t WHERE id > 100; ALTER TABLE t ALTER id TYPE integer",
    )
    assert check.standing is Standing.BROKEN
    assert check.reason == "up and down loses rows of public.t written after the upgrade"


NEVER = (
    "CREATE FUNCTION never(numeric) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = 421'\n"
    "ALTER TABLE t ADD CONSTRAINT odd CHECK (never(price)) NOT VALID"
)


@pytest.mark.parametrize("key", ["id serial PRIMARY KEY", "id integer"])
def test_a_row_of_the_upgrade_that_the_downgrade_deletes_is_no_loss(
    scaffold: Scaffold, key: str
) -> None:
    scaffold.add("r1", f"CREATE TABLE t ({key}, name varchar(40))", "DROP TABLE t")
    scaffold.add("r2", "INSERT INTO t (name) VALUES ('seed')", "DELETE FROM t WHERE name = 'seed'")
    scaffold.add("r3", "INSERT INTO t (name) VALUES ('seed')", "DELETE FROM t WHERE name <> ''")
    check = scaffold.check(SUBJECT, "r2")
    assert (check.standing, check.reason) == (Standing.HOLDS, "tried with rows in public.t (100)")
    check = scaffold.check(SUBJECT, "r3")
    assert check.standing is Standing.BROKEN
    assert any(
        line.startswith("written after the upgrade: public.t: ") for line in check.details
    ), check.details


@pytest.mark.parametrize("key", ["id serial PRIMARY KEY", "id integer"])
def test_a_null_that_is_filled_is_no_loss(scaffold: Scaffold, key: str) -> None:
    scaffold.add("r1", f"CREATE TABLE t ({key}, name text NOT NULL, title text)", "DROP TABLE t")
    scaffold.add("r2", "UPDATE t SET title = name WHERE title IS NULL", "pass")
    scaffold.add("r3", "UPDATE t SET title = 'other'", "pass")
    scaffold.add("r4", "UPDATE t SET title = NULL", "pass")
    check = scaffold.check(SUBJECT, "r2")
    assert check.standing is Standing.HOLDS
    [line] = check.details
    assert re.fullmatch(
        r"public\.t\.title: (\d+ values were|1 value was) NULL before and (are|is) filled", line
    )
    for revision in ("r3", "r4"):
        check = scaffold.check(SUBJECT, revision)
        assert check.standing is Standing.BROKEN
        assert (
            check.reason == "up and down loses values of public.t.title written before the upgrade"
        )
        assert not any("NULL ->" in line for line in check.details)


def test_a_null_written_after_the_upgrade_that_is_filled_is_a_loss(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "ALTER TABLE t ALTER price DROP NOT NULL",
        "UPDATE t SET price = 0 WHERE price IS NULL; ALTER TABLE t ALTER price SET NOT NULL",
    )
    assert check.standing is Standing.BROKEN
    assert check.reason == "up and down loses values of public.t.price written after the upgrade"


def test_a_long_value_is_cut(scaffold: Scaffold) -> None:
    scaffold.add(
        "r1", "CREATE TABLE t (k varchar(180) PRIMARY KEY, v varchar(300))", "DROP TABLE t"
    )
    scaffold.add("r2", "UPDATE t SET v = 'y' || left(v, 299) WHERE length(v) > 200", "pass")
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert any(f"'{'x' * 40}…' -> 'y{'x' * 39}…'" in line for line in check.details)
    assert not any("x" * 41 in line for line in check.details)


def test_it_is_unknown_where_nothing_could_be_written_in_between(scaffold: Scaffold) -> None:
    samples = scaffold.folder / "samples"
    samples.mkdir()
    down = "ALTER TABLE t DROP CONSTRAINT odd\nDROP FUNCTION never"
    check = prove(scaffold, NEVER, down, samples=samples)
    assert check.standing is Standing.UNKNOWN
    assert check.reason == (
        "no rows could be generated in public.t after the upgrade: no values were found that meet "
        '"odd"'
    )
    assert check.help.endswith('samples/r2.after.sql"')
    (samples / "r2.after.sql").write_text("INSERT INTO t (name, price) VALUES ('new', 421)")
    assert scaffold.check(SUBJECT, samples=samples).standing is Standing.HOLDS


def test_a_table_of_one_row_takes_no_other_in_between(scaffold: Scaffold) -> None:
    scaffold.add("r1", "CREATE TABLE t (id boolean PRIMARY KEY CHECK (id), a text)", "DROP TABLE t")
    scaffold.add("r2", "ALTER TABLE t ADD c integer", "ALTER TABLE t DROP c")
    check = scaffold.check(SUBJECT)
    assert (check.standing, check.reason) == (
        Standing.HOLDS,
        "tried with rows in public.t (1)",
    )


def test_a_value_of_an_enum_that_becomes_another_one(scaffold: Scaffold) -> None:
    scaffold.add(
        "r1",
        "CREATE TYPE kind AS ENUM ('a', 'b')\nCREATE TABLE t (id serial PRIMARY KEY, kind kind)",
        "DROP TABLE t\nDROP TYPE kind",
    )
    scaffold.add(
        "r2",
        "ALTER TYPE kind ADD VALUE 'c'",
        """
        ALTER TYPE kind RENAME TO kind_c
        CREATE TYPE kind AS ENUM ('a', 'b')
        UPDATE t SET kind = 'a' WHERE kind = 'c'
        ALTER TABLE t ALTER kind TYPE kind USING kind::text::kind
        DROP TYPE kind_c
        """,
    )
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.BROKEN
    assert "public.t.kind written after the upgrade" in check.reason


def test_a_downgrade_that_fails_on_rows_is_broken(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "ALTER TABLE t ADD c integer",
        "ALTER TABLE t ADD x integer NOT NULL; ALTER TABLE t DROP x; ALTER TABLE t DROP c",
    )
    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("the downgrade fails on rows: ")
    assert "SQLSTATE 23502" in check.reason


def test_without_a_downgrade_it_is_unknown(scaffold: Scaffold) -> None:
    check = prove(scaffold, "ALTER TABLE t DROP name", 'raise NotImplementedError("never back")')
    assert check.standing is Standing.UNKNOWN
    assert "there is no way back to compare" in check.reason


def test_without_a_downgrade_the_marker_of_that_accepts_it(scaffold: Scaffold) -> None:
    scaffold.add("r1", TABLE, "DROP TABLE t")
    scaffold.add("r2", "ALTER TABLE t DROP name", 'raise NotImplementedError("never back")')
    path = scaffold.path("r2")
    path.write_text(path.read_text() + "\n# safemigrate: irreversible names are gone for good\n")
    check = scaffold.check(SUBJECT)
    assert check.standing is Standing.ACCEPTED
    assert "there is no way back to compare" in check.reason
    assert check.reason.endswith("; accepted: names are gone for good")


def test_an_upgrade_that_fails_on_some_rows_is_proved_with_others(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "ALTER TABLE t ALTER name SET NOT NULL; UPDATE t SET name = upper(name)",
        "ALTER TABLE t ALTER name DROP NOT NULL",
    )
    assert check.standing is Standing.BROKEN
    assert "public.t.name written before the upgrade" in check.reason


def test_an_upgrade_that_fails_on_all_rows_leaves_it_unknown(scaffold: Scaffold) -> None:
    check = prove(scaffold, "ALTER TABLE t ADD c integer NOT NULL", "ALTER TABLE t DROP c")
    assert (check.standing, check.reason) == (
        Standing.UNKNOWN,
        "the upgrade does not apply on rows",
    )


def test_rows_without_a_primary_key_are_compared_as_a_bag(scaffold: Scaffold) -> None:
    scaffold.add("r1", "CREATE TABLE t (a text, n numeric)", "DROP TABLE t")
    scaffold.add("r2", "UPDATE t SET n = round(n, 1)", "SELECT 1")
    scaffold.add("r3", "UPDATE t SET n = n + 1", "UPDATE t SET n = n - 1")
    scaffold.add("r4", "ALTER TABLE t ADD id serial PRIMARY KEY", "ALTER TABLE t DROP id")
    broken = scaffold.check(SUBJECT, "r2")
    assert broken.standing is Standing.BROKEN
    assert "public.t.n written before the upgrade" in broken.reason
    assert scaffold.check(SUBJECT, "r3").standing is Standing.HOLDS
    assert scaffold.check(SUBJECT, "r4").standing is Standing.HOLDS


def test_rows_of_partitions_and_of_tables_that_refer_to_a_touched_one(scaffold: Scaffold) -> None:
    scaffold.add(
        "r1",
        """
        CREATE TABLE e (id bigserial, at date NOT NULL, n numeric(8, 3)) PARTITION BY RANGE (at)
        CREATE TABLE e1 PARTITION OF e FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')
        CREATE TABLE e2 PARTITION OF e DEFAULT
        CREATE TABLE p (id serial PRIMARY KEY, x text)
        CREATE TABLE c (id serial PRIMARY KEY, p integer REFERENCES p ON DELETE CASCADE)
        """,
        "DROP TABLE e, p, c",
    )
    scaffold.add(
        "r2", "ALTER TABLE e ALTER n TYPE numeric(8, 1)", "ALTER TABLE e ALTER n TYPE numeric(8, 3)"
    )
    scaffold.add(
        "r3",
        "CREATE TABLE kept AS SELECT * FROM p\nDELETE FROM p",
        "INSERT INTO p SELECT * FROM kept\nDROP TABLE kept",
    )
    first, second = scaffold.check(SUBJECT, "r2"), scaffold.check(SUBJECT, "r3")
    assert "loses values of public.e.n written before" in first.reason
    assert "loses rows of public.c written before" in second.reason


def test_rows_after_the_upgrade_may_come_from_a_sample(scaffold: Scaffold) -> None:
    samples = scaffold.folder / "samples"
    samples.mkdir()
    (samples / "r2.sql").write_text("INSERT INTO t (name, price) VALUES ('old', 1)")
    (samples / "r2.after.sql").write_text("INSERT INTO t (name, price) VALUES ('new one', 2)")
    check = prove(
        scaffold,
        "ALTER TABLE t ALTER name TYPE varchar(80)",
        "ALTER TABLE t ALTER name TYPE varchar(40) USING left(name, 5)",
        samples=samples,
    )
    assert check.standing is Standing.BROKEN
    [line] = check.details
    assert line == (
        "written after the upgrade: public.t.name: 1 value lost or changed, such as id=2: "
        "'new one' -> 'new o'"
    )


def test_a_marker_accepts_it(scaffold: Scaffold) -> None:
    scaffold.add("r1", TABLE, "DROP TABLE t")
    scaffold.add("r2", "ALTER TABLE t DROP name", "ALTER TABLE t ADD name varchar(40)")
    path = scaffold.path("r2")
    path.write_text(path.read_text() + "\n# safemigrate: accept[keeps-rows] unused since May\n")
    assert scaffold.check(SUBJECT).standing is Standing.ACCEPTED
