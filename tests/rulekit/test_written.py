"""What a migration writes, followed to where it and the history end."""

from collections.abc import Callable

from safemigrate.model import ConstraintKind
from safemigrate.rulekit import Context, new_tables, written_columns, written_constraints

Look = Callable[..., Context]


def test_new_tables_are_those_that_stay(look_at: Look) -> None:
    code = """
        CREATE TABLE a (id bigint);
        CREATE TABLE b (id bigint);
        DROP TABLE b;
        CREATE TEMPORARY TABLE c (id bigint);
        CREATE TABLE d (id bigint) PARTITION BY RANGE (id);
        CREATE TABLE d1 PARTITION OF d FOR VALUES FROM (1) TO (2);
        CREATE TABLE IF NOT EXISTS recipe (id bigint);
        CREATE TABLE e (id bigint);
        ALTER TABLE e RENAME TO f;
    """
    assert [new.table.name.name for new in new_tables(look_at(code))] == ["a", "d", "f"]


def test_a_written_column_knows_what_becomes_of_it(look_at: Look) -> None:
    code = """
        CREATE TABLE a (id bigint, name text, gone text);
        ALTER TABLE a ALTER COLUMN name SET NOT NULL;
        ALTER TABLE a ADD PRIMARY KEY (id);
        ALTER TABLE a DROP COLUMN gone;
        ALTER TABLE recipe ADD COLUMN note text CHECK (note <> '');
    """
    columns = {new.name: new for new in written_columns(look_at(code))}
    assert {name: new.is_nullable for name, new in columns.items()} == {
        "id": False,
        "name": False,
        "gone": False,
        "note": True,
    }
    assert [name for name, new in columns.items() if new.is_key] == ["id"]
    assert columns["gone"].at_end is None
    assert [each.name for each in columns["note"].constraints(ConstraintKind.CHECK)] == [
        "recipe_note_check"
    ]


def test_a_column_that_may_be_there_already_is_not_new(look_at: Look) -> None:
    code = "ALTER TABLE recipe ADD COLUMN IF NOT EXISTS name text;"
    assert list(written_columns(look_at(code))) == []


def test_written_constraints_have_the_names_that_postgresql_chooses(look_at: Look) -> None:
    code = """
        CREATE TABLE a (
            id bigint PRIMARY KEY, n integer CHECK (n > 0) CHECK (n < 9), CONSTRAINT u UNIQUE (n)
        );
        ALTER TABLE recipe ADD UNIQUE (name);
    """
    found = [(new.name, new.is_named) for new in written_constraints(look_at(code))]
    assert found == [
        ("a_pkey", False),
        ("a_n_check", False),
        ("a_n_check1", False),
        ("u", True),
        ("recipe_name_key", False),
    ]


def test_what_is_temporary_is_not_written(look_at: Look) -> None:
    code = """
        CREATE TEMPORARY TABLE a (id bigint PRIMARY KEY);
        ALTER TABLE a ADD COLUMN n integer CHECK (n > 0);
        ALTER TABLE a ADD CHECK (id > 0);
    """
    context = look_at(code)
    assert list(written_columns(context)) == []
    assert list(written_constraints(context)) == []
