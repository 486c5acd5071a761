"""What triggers make of the old release's statements on the new schema."""

from pathlib import Path

import pytest

from safemigrate.model import Check, Property, Standing
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

OLD = Property.OLD_STATEMENTS_WORK

NOTE = "INSERT INTO note (about) VALUES (NEW.id)"
AUDITED = """
CREATE TABLE room (id {} PRIMARY KEY, label varchar(10) NOT NULL)
CREATE TABLE note (id serial PRIMARY KEY, about bigint, what text)
"""
READ = "SELECT id FROM room"
OPEN_BEFORE = "fails on a connection that was open before, and works on a new one: 42804: "


def function(name: str, body: str) -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {body}; RETURN NEW; END $$\n"
    )


def trigger(when: str, name: str, body: str, table: str = "room") -> str:
    return (
        function(name, body)
        + f"CREATE TRIGGER {name} {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()\n"
    )


def add_audited(scaffold: Scaffold, body: str = NOTE, *, key: str = "serial") -> None:
    after = trigger("AFTER INSERT OR UPDATE", "tell", body)
    scaffold.add("0001", AUDITED.format(key).lstrip() + after, None)


def check_file(scaffold: Scaffold, text: str) -> Check:
    path = scaffold.folder / "old.sql"
    path.write_text(text)
    return scaffold.check(OLD, old_statements=path)


# A key that a sequence counts up, and one that is given: there an INSERT needs room.
KEYS = ("serial", "bigint")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("major", proof_versions())
def test_a_trigger_with_a_plan_for_the_old_type_breaks_it(
    key: str, major: int, proof_servers: ProofServers, tmp_path: Path
) -> None:
    scaffold = Scaffold(tmp_path, proof_servers[major])
    scaffold.write()
    add_audited(scaffold, "INSERT INTO note (what) VALUES (TG_OP || ' ' || NEW.label)", key=key)
    scaffold.add("0002", "ALTER TABLE room ALTER COLUMN label TYPE text", None)

    check = scaffold.check(OLD)

    assert check.standing is Standing.BROKEN
    assert f"INSERT into public.room {OPEN_BEFORE}" in check.reason
    assert any(line.startswith(f"UPDATE of public.room: {OPEN_BEFORE}") for line in check.details)
    assert "connect anew" in check.help


def test_a_plan_outlives_what_other_tables_are_tried_with(scaffold: Scaffold) -> None:
    """Rows that refer to a row are passed over by a setting that makes a session forget plans."""
    add_audited(scaffold, "INSERT INTO note (what) VALUES (NEW.label)")
    scaffold.add(
        "0002",
        "CREATE TABLE house (id bigint PRIMARY KEY)\n"
        "CREATE TABLE door (house bigint PRIMARY KEY REFERENCES house)",
        None,
    )
    scaffold.add("0003", "ALTER TABLE room ALTER COLUMN label TYPE text", None)
    house = "INSERT INTO house (id) VALUES ($1)"
    statements = [house, "INSERT INTO room (label) VALUES ($1)", house, "SELECT house FROM door"]

    check = check_file(scaffold, ";\n".join(statements))

    assert check.standing is Standing.BROKEN
    assert f"old.sql:2 {OPEN_BEFORE}" in check.reason
    assert len(check.details) == 1


def test_a_trigger_that_does_not_use_the_column_harms_nobody(scaffold: Scaffold) -> None:
    add_audited(scaffold)
    scaffold.add("0002", "ALTER TABLE room ALTER COLUMN label TYPE text", None)

    check = check_file(scaffold, "INSERT INTO room (label) VALUES ($1)")

    assert (check.standing, check.details) == (Standing.HOLDS, ())


def test_a_changed_trigger_function_is_tried_through_its_table(scaffold: Scaffold) -> None:
    add_audited(scaffold)
    scaffold.add("0002", function("tell", "INSERT INTO note (nope) VALUES (1)"), None)
    scaffold.add("0003", function("tell", NOTE), None)

    broken = scaffold.check(OLD, "0002")
    assert broken.standing is Standing.BROKEN
    assert "INSERT into public.room fails: 42703: column" in broken.reason
    assert not any("public.note" in line.partition(":")[0] for line in broken.details)
    # it failed before, and so proves nothing against what repairs it
    assert scaffold.check(OLD, "0003").standing is Standing.HOLDS


def test_a_function_that_a_trigger_function_calls_is_followed(scaffold: Scaffold) -> None:
    number = "CREATE OR REPLACE FUNCTION number() RETURNS bigint LANGUAGE plpgsql AS"
    scaffold.add(
        "0001",
        f"{AUDITED.format('serial').strip()}\n{number} $$ BEGIN RETURN 1; END $$\n"
        + trigger("BEFORE INSERT", "tell", "PERFORM public.number()"),
        None,
    )
    scaffold.add("0002", f"{number} $$ BEGIN RETURN nope; END $$", None)

    check = scaffold.check(OLD)

    assert check.standing is Standing.BROKEN
    assert 'INSERT into public.room fails: 42703: column "nope"' in check.reason


def test_a_renamed_table_breaks_the_tables_whose_triggers_write_it(scaffold: Scaffold) -> None:
    add_audited(scaffold)
    scaffold.add("0002", "ALTER TABLE note RENAME TO remark", None)

    check = scaffold.check(OLD)

    assert check.standing is Standing.BROKEN
    assert 'INSERT into public.room: fails: 42P01: relation "note" does not exist' in check.details


def test_a_column_of_the_row_is_no_table_of_its_name(scaffold: Scaffold) -> None:
    scaffold.add(
        "0001",
        AUDITED.format("serial").lstrip()
        + "CREATE TABLE label (id serial PRIMARY KEY)\n"
        + trigger("BEFORE INSERT", "tell", "NEW.label := upper(NEW.label)"),
        None,
    )
    scaffold.add("0002", "ALTER TABLE label ADD COLUMN hue text", None)

    check = scaffold.check(OLD)

    # three of one table with nothing but a key
    assert (check.standing, check.reason) == (Standing.HOLDS, "3 generated statements work")


def test_an_insert_that_a_trigger_swallows_breaks_it(anywhere: Scaffold) -> None:
    add_audited(anywhere)
    anywhere.add("0002", trigger("BEFORE INSERT", "eat", "RETURN NULL").strip(), None)

    check = anywhere.check(OLD)

    assert check.standing is Standing.BROKEN
    assert check.reason == ("on the new schema INSERT into public.room writes no row instead of 1")


def test_what_a_trigger_passes_over_is_told(scaffold: Scaffold) -> None:
    add_audited(scaffold)
    scaffold.add(
        "0002",
        "CREATE TRIGGER same BEFORE UPDATE ON room FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        None,
    )

    check = scaffold.check(OLD)

    assert check.standing is Standing.HOLDS
    assert check.details == ("UPDATE of public.room: changes no row instead of 1",)
    assert check.warning == (
        "on the new schema UPDATE of public.room changes no row instead of 1, "
        "given the values that the row has"
    )


@pytest.mark.parametrize(
    ("statement", "swallowing"),
    [
        ("INSERT INTO room (label) VALUES ('a') ON CONFLICT DO NOTHING", "UNIQUE (label)"),
        ("INSERT INTO room (label) SELECT 'a' WHERE NOT EXISTS (SELECT FROM room)", ""),
    ],
)
def test_an_insert_that_may_write_nothing_harms_nobody(
    statement: str, swallowing: str, scaffold: Scaffold
) -> None:
    add_audited(scaffold)
    change = f"ALTER TABLE room ADD {swallowing}" if swallowing else ""
    scaffold.add(
        "0002",
        f"{change or 'ALTER TABLE room ADD COLUMN hue text'}\n"
        "INSERT INTO room (label) VALUES ('a') ON CONFLICT DO NOTHING",
        None,
    )

    check = check_file(scaffold, f"{READ};\n{statement}")

    assert check.standing is Standing.HOLDS


def test_a_row_that_goes_into_a_child_of_the_table_is_written(scaffold: Scaffold) -> None:
    add_audited(scaffold)
    scaffold.add(
        "0002",
        "CREATE TABLE new_room () INHERITS (room)\n"
        + trigger(
            "BEFORE INSERT", "lead", "INSERT INTO new_room SELECT NEW.*; RETURN NULL"
        ).strip(),
        None,
    )

    assert scaffold.check(OLD).standing is Standing.HOLDS
    check = check_file(scaffold, "INSERT INTO room (label) VALUES ('a')")
    assert check.standing is Standing.HOLDS


def test_a_row_that_a_rule_puts_elsewhere_is_written(scaffold: Scaffold) -> None:
    add_audited(scaffold)
    scaffold.add(
        "0002",
        "ALTER TABLE room RENAME TO chamber\n"
        "CREATE VIEW room AS SELECT id, label FROM chamber WHERE label <> ''\n"
        "CREATE RULE lead AS ON INSERT TO room DO INSTEAD"
        " INSERT INTO chamber (label) VALUES (NEW.label)",
        None,
    )

    check = check_file(scaffold, "INSERT INTO room (label) VALUES ($1)")

    assert check.standing is Standing.HOLDS


def test_a_trigger_that_keeps_rows_apart_harms_nobody(scaffold: Scaffold) -> None:
    add_audited(scaffold)
    once = "IF EXISTS (SELECT FROM room WHERE label = NEW.label) THEN RETURN NULL; END IF"
    scaffold.add("0002", trigger("BEFORE INSERT", "once", once).strip(), None)

    check = scaffold.check(OLD)

    assert (check.standing, check.details) == (Standing.HOLDS, ())


def test_rows_that_the_revision_deletes_swallow_nothing(scaffold: Scaffold) -> None:
    add_audited(scaffold)
    scaffold.add("0002", "DELETE FROM room", None)
    # no row can be made for this
    scaffold.add(
        "0003",
        "DELETE FROM room\n"
        "ALTER TABLE room ADD CHECK (md5(label) = md5(label) || 'a') NO INHERIT NOT VALID",
        None,
    )

    for revision in ("0002", "0003"):
        check = scaffold.check(OLD, revision)
        assert not any("no row" in line for line in check.details)
        assert check.warning == ""
    assert scaffold.check(OLD, "0002").standing is Standing.HOLDS
