"""H26: what the old release sends works on the new schema."""

import json
from pathlib import Path

import pytest

from safemigrate.config import VerifyChoices
from safemigrate.errors import ConfigError
from safemigrate.model import Check, Property, Standing
from safemigrate.source import open_project
from safemigrate.verify import verify_history
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

OLD = Property.OLD_STATEMENTS_WORK

TABLE = """
CREATE TABLE person (id serial PRIMARY KEY, name text NOT NULL, age integer)
"""
MISSING = '"name" of relation "person" violates not-null constraint'
NO_NAME = "INSERT INTO person (name) VALUES (NULL)"
STAR = "SELECT * FROM person;"
FOUR = """
-- what the release before sends
SELECT * FROM person;
SELECT id, name FROM person WHERE id = $1;
INSERT INTO person (name, age) VALUES ('Ada', 36) RETURNING id;
INSERT INTO person (name, age) VALUES ('Ada', 36);
UPDATE person SET age = :age WHERE name = :name;
"""


def add_table(scaffold: Scaffold, sql: str = TABLE) -> None:
    scaffold.add("0001", sql, "DROP TABLE person")


def check_file(scaffold: Scaffold, text: str, name: str = "old.sql") -> Check:
    path = scaffold.folder / name
    path.write_text(text)
    return scaffold.check(OLD, old_statements=path)


def test_a_dropped_column_breaks_what_every_old_release_sends(anywhere: Scaffold) -> None:
    add_table(anywhere)
    anywhere.add(
        "0002", "ALTER TABLE person DROP COLUMN age", "ALTER TABLE person ADD COLUMN age integer"
    )

    check = anywhere.check(OLD)

    assert check.standing is Standing.BROKEN
    assert check.reason == (
        'on the new schema SELECT from public.person fails: 42703: column "age" does not exist'
    )
    assert [line.split(":")[0] for line in check.details] == [
        "SELECT from public.person",
        "INSERT into public.person",
        "UPDATE of public.person",
    ]
    assert "accept[old-statements-work]" in check.help


def test_a_new_nullable_column_harms_nobody(anywhere: Scaffold) -> None:
    add_table(anywhere)
    anywhere.add(
        "0002", "ALTER TABLE person ADD COLUMN born date", "ALTER TABLE person DROP COLUMN born"
    )

    check = anywhere.check(OLD)

    assert check.standing is Standing.HOLDS
    assert check.reason == "4 generated statements work"
    assert check.details == ()


def test_a_renamed_column_breaks_this_property_alone(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "ALTER TABLE person RENAME COLUMN age TO years",
        "ALTER TABLE person RENAME COLUMN years TO age",
    )

    assert scaffold.broken() == {OLD}


def test_a_file_replaces_what_is_generated(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002", "ALTER TABLE person DROP COLUMN age", "ALTER TABLE person ADD COLUMN age integer"
    )

    check = check_file(scaffold, "SELECT name FROM person WHERE id = $1")

    assert check.standing is Standing.HOLDS
    assert check.reason == "1 statement works"


def test_a_marker_accepts_the_last_phase(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002", "ALTER TABLE person DROP COLUMN age", "ALTER TABLE person ADD COLUMN age integer"
    )
    path = scaffold.path("0002")
    marker = "# safemigrate: accept[old-statements-work] unused since 2.3\n"
    path.write_text(marker + path.read_text())

    check = scaffold.check(OLD)

    assert check.standing is Standing.ACCEPTED
    assert check.reason.endswith("accepted: unused since 2.3")


# What the migration does, and what is said of the four statements; "" where they all work.
CHANGES = {
    "nullable column": ("ADD COLUMN born date", ""),
    "required column": (
        "ADD COLUMN born date NOT NULL",
        'fails: 23502: null value in column "born" of relation "person" violates not-null',
    ),
    "required column with default": ("ADD COLUMN born date NOT NULL DEFAULT now()", ""),
    "dropped column": ("DROP COLUMN age", 'no column "age"'),
    "renamed column": ("RENAME COLUMN age TO years", 'no column "age"'),
    "wider type": ("ALTER COLUMN age TYPE bigint", ""),
    "other type": ("ALTER COLUMN age TYPE text", '"age" comes as text instead of integer'),
    "other string type": ("ALTER COLUMN name TYPE varchar(90)", ""),
    "check": (
        "ADD CONSTRAINT young CHECK (age < 36) NOT VALID",
        'fails: 23514: new row for relation "person" violates check constraint "young"',
    ),
    "unique": (
        "ADD UNIQUE (name)",
        'fails: 23505: duplicate key value violates unique constraint "person_name_key"',
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("major", proof_versions())
def test_each_change_is_judged_alike_on_every_major(
    change: str, major: int, proof_servers: ProofServers, tmp_path: Path
) -> None:
    sql, expected = CHANGES[change]
    scaffold = Scaffold(tmp_path, proof_servers[major])
    scaffold.write()
    add_table(scaffold)
    scaffold.add("0002", f"ALTER TABLE person {sql}", None)

    check = check_file(scaffold, FOUR)

    assert check.standing is (Standing.BROKEN if expected else Standing.HOLDS), check
    assert expected in check.reason


def test_a_view_of_the_old_name_keeps_everything_working(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "ALTER TABLE person RENAME TO people\nCREATE VIEW person AS SELECT * FROM people",
        "DROP VIEW person\nALTER TABLE people RENAME TO person",
    )

    assert scaffold.check(OLD).standing is Standing.HOLDS
    check = check_file(scaffold, FOUR)
    assert check.standing is Standing.HOLDS
    assert not any("0A000" in line for line in check.details)


def test_an_outdated_plan_of_an_open_connection_is_told_and_breaks_nothing(
    scaffold: Scaffold,
) -> None:
    add_table(scaffold)
    scaffold.add("0002", "ALTER TABLE person ADD COLUMN born date", None)

    check = check_file(scaffold, STAR)

    assert check.standing is Standing.HOLDS
    (gain, stale) = check.details
    assert gain.endswith('SELECT * FROM person: the result has a new column "born"')
    assert "0A000, cached plan must not change result type" in stale


def test_what_fails_on_an_open_connection_alone_breaks_it(scaffold: Scaffold) -> None:
    scaffold.add(
        "0001",
        "CREATE TYPE mood AS ENUM ('sad', 'glad')\n"
        "CREATE TABLE person (id serial PRIMARY KEY, mood mood)",
        None,
    )
    scaffold.add(
        "0002",
        "ALTER TYPE mood RENAME TO old_mood\n"
        "CREATE TYPE mood AS ENUM ('sad', 'glad', 'so-so')\n"
        "ALTER TABLE person ALTER COLUMN mood TYPE mood USING mood::text::mood\n"
        "DROP TYPE old_mood",
        None,
    )

    check = check_file(scaffold, "UPDATE person SET mood = $1 WHERE id = $2")

    assert check.standing is Standing.BROKEN
    assert "fails on a connection that was open before" in check.reason


def test_what_never_worked_on_the_schema_before_does_not_count(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("0002", "ALTER TABLE person RENAME COLUMN age TO years", None)

    check = check_file(
        scaffold,
        "BEGIN;\nSELECT born FROM person;\nSELECT name FROM person;\n"
        "INSERT INTO person (name) VALUES (NULL);\nSELECT name FROM person WHERE $1;",
    )

    assert check.standing is Standing.HOLDS
    assert check.reason == "2 statements work"
    assert [line.rpartition("old.sql")[2] for line in check.details] == [
        "1 statement not working on the schema of the release itself:",
        ':2: SELECT born FROM person: 42703: column "born" does not exist',
        "1 statement prepared and not executed:",
        f":4: {NO_NAME}: 23502: null value in column {MISSING}",
        "1 statement not tried, being no queries",
    ]


def test_a_file_of_another_release_proves_nothing(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("0002", "ALTER TABLE person RENAME COLUMN age TO years", None)

    check = check_file(scaffold, "SELECT born FROM person")

    assert check.standing is Standing.UNKNOWN
    assert check.reason == "no statement of 1 works on the schema before it"


def test_what_was_captured_is_executed_with_the_values_it_came_with(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002", "ALTER TABLE person ADD CONSTRAINT young CHECK (age < 100) NOT VALID", None
    )
    insert = "INSERT INTO person (name, age) VALUES (%(name)s, %(age)s)"

    def capture(age: str) -> str:
        example = {"name": {"value": "100%"}, "age": {"value": age, "type": "int2"}}
        statement = {"sql": insert, "style": "pyformat", "calls": 2, "examples": [example]}
        return json.dumps({"version": 1, "statements": [statement]})

    assert check_file(scaffold, capture("36"), "young.json").standing is Standing.HOLDS
    check = check_file(scaffold, capture("136"), "old.json")
    assert check.standing is Standing.BROKEN
    assert 'violates check constraint "young"' in check.reason


def test_the_type_that_the_driver_declares_counts(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("0002", "ALTER TABLE person ALTER COLUMN age TYPE text", None)
    statement = {
        "sql": "UPDATE person SET name = %s WHERE age = %s",
        "style": "pyformat",
        "examples": [{"1": {"value": "a"}, "2": {"value": "36", "type": "int2"}}],
    }

    check = check_file(scaffold, json.dumps({"version": 1, "statements": [statement]}), "old.json")

    assert check.standing is Standing.BROKEN
    assert "42883: operator does not exist: text = integer" in check.reason


def test_a_statement_finds_what_the_one_before_it_made(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("0002", "CREATE UNIQUE INDEX one ON person (lower(name))", None)
    insert = {
        "sql": "INSERT INTO person (name) VALUES ($1)",
        "style": "numeric_dollar",
        "examples": [{"1": {"value": "Ada"}}, {"1": {"value": "ADA"}}],
    }

    check = check_file(scaffold, json.dumps({"version": 1, "statements": [insert]}), "old.json")

    assert check.standing is Standing.BROKEN
    assert "23505" in check.reason


def test_a_deferred_constraint_is_asked(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "CREATE TABLE town (name text PRIMARY KEY)\n"
        "ALTER TABLE person ADD CONSTRAINT lives FOREIGN KEY (name) REFERENCES town"
        " DEFERRABLE INITIALLY DEFERRED NOT VALID",
        None,
    )

    check = check_file(scaffold, "INSERT INTO person (name) VALUES ('Ada')")

    assert check.standing is Standing.BROKEN
    assert 'violates foreign key constraint "lives"' in check.reason


def test_values_of_rows_that_a_new_constraint_refuses_are_chosen_anew(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "ALTER TABLE person ADD CONSTRAINT odd CHECK (age % 2 = 1 AND age > 500000) NOT VALID",
        None,
    )

    assert scaffold.check(OLD).standing is Standing.HOLDS


def test_a_constraint_that_no_old_row_can_meet_breaks_it(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "ALTER TABLE person ADD COLUMN born date\n"
        "ALTER TABLE person ADD CONSTRAINT dated CHECK (born IS NOT NULL) NOT VALID",
        None,
    )

    check = scaffold.check(OLD)

    assert check.standing is Standing.BROKEN
    assert 'violates check constraint "dated"' in check.reason


def test_a_dropped_view_breaks_it_and_a_dropped_partition_does_not(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("0002", "CREATE VIEW adult AS SELECT name FROM person WHERE age > 17", None)
    scaffold.add("0003", "DROP VIEW adult", None)
    scaffold.add(
        "0004",
        "CREATE TABLE log (day date NOT NULL) PARTITION BY RANGE (day)\n"
        "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')\n"
        "CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')",
        None,
    )
    scaffold.add("0005", "DROP TABLE log_1", None)

    assert 'relation "public.adult" does not exist' in scaffold.check(OLD, "0003").reason
    assert scaffold.check(OLD, "0005").standing is Standing.HOLDS


def test_columns_that_nobody_may_write_are_not_written(scaffold: Scaffold) -> None:
    scaffold.add(
        "0001",
        "CREATE TABLE parent (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY)\n"
        'CREATE TABLE "Odd One" (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,'
        ' "a b" integer REFERENCES parent, twice integer GENERATED ALWAYS AS ("a b" * 2) STORED,'
        " u uuid UNIQUE, j json, tags text[])\n"
        'CREATE TABLE child (of integer REFERENCES "Odd One")',
        None,
    )
    scaffold.add(
        "0002",
        'ALTER TABLE "Odd One" ADD COLUMN x integer\nALTER TABLE parent ADD COLUMN x integer',
        None,
    )

    check = scaffold.check(OLD)

    assert check.standing is Standing.HOLDS
    assert check.reason == "7 generated statements work"
    assert check.details == ()


def test_a_revision_of_new_things_alone_asks_nothing(scaffold: Scaffold) -> None:
    add_table(scaffold)

    check = scaffold.check(OLD)

    assert check.standing is Standing.HOLDS
    assert check.reason == "it touches no table and no view that was there before"


def test_a_table_without_rows_that_can_be_made_is_not_passed_over(scaffold: Scaffold) -> None:
    scaffold.add(
        "0001",
        "CREATE TABLE person (name text NOT NULL CHECK (md5(name) = md5(name) || 'a'))",
        None,
    )
    scaffold.add("0002", "ALTER TABLE person ADD COLUMN age integer", None)

    check = scaffold.check(OLD)

    assert check.standing is Standing.UNKNOWN
    assert check.reason.startswith("INSERT into public.person could not be tried: ")
    assert "old-statements" in check.help


def test_what_a_new_column_demands_is_not_passed_over_without_rows(scaffold: Scaffold) -> None:
    scaffold.add(
        "0001",
        "CREATE TABLE person (id serial PRIMARY KEY,"
        " name text NOT NULL CHECK (md5(name) = md5(name) || 'a'))",
        None,
    )
    scaffold.add("0002", "ALTER TABLE person ADD COLUMN age integer NOT NULL", None)

    check = scaffold.check(OLD)

    # SELECT, UPDATE and DELETE find nothing there, and prove nothing of an INSERT
    assert check.standing is Standing.UNKNOWN
    assert check.reason.startswith("INSERT into public.person could not be tried: ")


def test_an_insert_that_a_table_with_rows_refuses_is_told_beside_the_rest(
    scaffold: Scaffold,
) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "CREATE TABLE entry ()\n"
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF (SELECT count(*) > 1 FROM entry) THEN RAISE EXCEPTION $$full$$; END IF;"
        " INSERT INTO entry DEFAULT VALUES; RETURN NEW; END'\n"
        "CREATE TRIGGER room BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION refuse()",
        None,
    )
    scaffold.add("0003", "ALTER TABLE person ADD COLUMN born date", None)

    check = scaffold.check(OLD)

    assert (check.standing, check.reason) == (Standing.HOLDS, "3 generated statements work")
    assert check.details == (
        "1 statement prepared and not executed:",
        "    INSERT into public.person: P0001: full",
    )


def test_rows_that_two_keys_with_a_common_column_refer_to_are_tried(scaffold: Scaffold) -> None:
    sides = (
        "CREATE TABLE {} (id serial PRIMARY KEY, amount numeric NOT NULL,"
        " currency text NOT NULL CHECK (currency ~ '^[A-Z]{{3}}$'), UNIQUE (id, currency))"
    )
    scaffold.add(
        "0001",
        f"{sides.format('charge')}\n{sides.format('credit')}\n"
        "CREATE TABLE used (id serial PRIMARY KEY, charge integer NOT NULL,"
        " credit integer NOT NULL, currency text NOT NULL,"
        " FOREIGN KEY (charge, currency) REFERENCES charge (id, currency),"
        " FOREIGN KEY (credit, currency) REFERENCES credit (id, currency))",
        None,
    )
    scaffold.add("0002", "ALTER TABLE used ADD COLUMN day date", None)

    check = scaffold.check(OLD)

    assert (check.standing, check.reason) == (Standing.HOLDS, "4 generated statements work")
    assert check.details == ()


def test_statements_that_were_prepared_and_not_executed_prove_nothing(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("0002", "ALTER TABLE person ADD COLUMN born date", None)

    check = check_file(scaffold, NO_NAME)

    assert check.standing is Standing.UNKNOWN
    assert check.reason == "no statement of 1 can be executed on the schema before it"
    assert check.details[0] == "1 statement prepared and not executed:"


def test_generated_statements_of_which_none_works_prove_nothing(scaffold: Scaffold) -> None:
    scaffold.add(
        "0001",
        "CREATE VIEW one AS SELECT 1 AS a\nCREATE VIEW other AS SELECT a FROM one\n"
        "CREATE OR REPLACE VIEW one AS SELECT a FROM other",
        None,
    )
    scaffold.add("0002", "DROP VIEW one CASCADE", None)

    check = scaffold.check(OLD)

    assert check.standing is Standing.UNKNOWN
    assert check.reason == "no generated statement of 2 works on the schema before it"
    assert any("infinite recursion" in line for line in check.details)
    assert 'under "old-statements"' in check.help


def test_nothing_of_what_is_tried_stays(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "ALTER TABLE person ADD COLUMN born date",
        None,
    )
    (scaffold.folder / "old.sql").write_text(
        "INSERT INTO person (name) VALUES ('left behind');\n"
        "SELECT pg_advisory_lock(7);\nSELECT pg_advisory_lock(7);"
    )

    check = scaffold.check(OLD, old_statements=scaffold.folder / "old.sql")

    assert check.standing is Standing.HOLDS
    assert check.reason == "3 statements work"


def test_many_statements_are_narrowed_to_those_that_it_concerns(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "CREATE TABLE town (name text)\n"
        "CREATE FUNCTION tell() RETURNS bigint LANGUAGE sql AS 'SELECT count(age) FROM person'\n"
        "CREATE VIEW told AS SELECT tell() AS number",
        None,
    )
    scaffold.add("0003", "ALTER TABLE person RENAME COLUMN age TO years", None)
    lines = [*["SELECT name FROM town"] * 600, "SELECT number FROM told", "SELECT id FROM person"]

    check = check_file(scaffold, ";\n".join(lines))

    assert check.standing is Standing.BROKEN
    assert check.reason.endswith('old.sql:601 fails: 42703: column "age" does not exist')
    assert "600 statements not tried, being about something else" in check.details


def test_the_statements_are_tried_though_the_upgrade_fails_on_rows(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("0002", "ALTER TABLE person ADD COLUMN born date NOT NULL", None)

    check = scaffold.check(OLD)

    assert check.standing is Standing.BROKEN
    assert 'INSERT into public.person fails: 23502: null value in column "born"' in check.reason


def test_the_whole_history_is_proved_at_once(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("0002", "ALTER TABLE person RENAME COLUMN age TO years", None)
    scaffold.add("0003", "ALTER TABLE person ADD COLUMN born date", None)

    proof = verify_history(
        open_project(scaffold.config),
        scaffold.server,
        choices=VerifyChoices(selected=("compatibility",)),
    )

    standings = [
        check.standing for one in proof.revisions for check in one.checks if check.subject is OLD
    ]
    assert standings == [Standing.HOLDS, Standing.BROKEN, Standing.HOLDS]


def test_a_file_that_cannot_be_read_ends_the_run(scaffold: Scaffold) -> None:
    add_table(scaffold)

    with pytest.raises(ConfigError, match=r'old.sql", line 2: syntax error at or near "FROM"'):
        check_file(scaffold, "SELECT 1;\nSELECT 2 FROM FROM person;")


def test_what_a_table_refuses_anyway_does_not_count(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION $$written once$$; END'\n"
        "CREATE TRIGGER once BEFORE UPDATE OR DELETE ON person"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
        None,
    )
    scaffold.add("0003", "ALTER TABLE person ADD COLUMN born date", None)

    check = scaffold.check(OLD)

    assert check.standing is Standing.HOLDS
    assert check.details == (
        "2 statements prepared and not executed:",
        "    UPDATE of public.person: P0001: written once",
        "    DELETE from public.person: P0001: written once",
    )


def test_what_a_revision_refuses_from_now_on_breaks_it(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "CREATE RULE silent AS ON DELETE TO person DO INSTEAD NOTHING\n"
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RAISE EXCEPTION $$written once$$; END'\n"
        "CREATE TRIGGER once BEFORE UPDATE ON person FOR EACH ROW EXECUTE FUNCTION refuse()",
        None,
    )

    check = scaffold.check(OLD)

    assert check.standing is Standing.BROKEN
    assert "UPDATE of public.person fails: P0001: written once" in check.reason


def test_the_version_table_gets_no_rows(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("0002", "ALTER TABLE person ADD COLUMN born date", None)

    check = check_file(
        scaffold,
        "SELECT version_num FROM alembic_version WHERE version_num = $1;"
        "SELECT count(*) FROM alembic_version HAVING count(*) = 1 / (count(*) = 1)::integer",
    )

    assert check.standing is Standing.HOLDS
    assert check.reason == "2 statements work"
    assert check.details == ()


def test_a_sequence_that_nobody_may_pass_by_any_more_harms_nobody(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "0002",
        "ALTER TABLE person ALTER COLUMN id DROP DEFAULT\n"
        "ALTER TABLE person ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (START 1000)",
        None,
    )
    scaffold.add("0003", "ALTER TABLE person ALTER COLUMN id DROP IDENTITY", None)

    assert scaffold.check(OLD, "0002").standing is Standing.HOLDS
    lost = scaffold.check(OLD, "0003")
    assert lost.standing is Standing.BROKEN
    assert 'INSERT into public.person fails: 23502: null value in column "id"' in lost.reason
