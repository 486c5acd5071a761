"""Names that a migration gives, and which of them need quotes."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg import sql

from safemigrate.rulekit import (
    Context,
    find_whole_name,
    is_plain_name,
    is_reserved_name,
    new_names,
)
from safemigrate.sql import quote_identifier

Look = Callable[..., Context]


def test_what_is_made_and_renamed_gets_a_name(look_at: Look) -> None:
    code = """
        CREATE SCHEMA kitchen;
        CREATE TYPE kind AS ENUM ('soup');
        CREATE DOMAIN code AS text;
        CREATE TABLE dish (id bigint CONSTRAINT dish_key PRIMARY KEY, CHECK (id > 0));
        CREATE VIEW menu AS SELECT 1 AS one;
        CREATE INDEX dish_idx ON dish (id);
        CREATE INDEX ON dish (id);
        ALTER TABLE dish ADD COLUMN heat integer CONSTRAINT hot CHECK (heat > 0);
        ALTER TABLE dish ADD CONSTRAINT few CHECK (id < 9);
        ALTER TABLE dish RENAME COLUMN heat TO warmth;
        ALTER TABLE dish RENAME CONSTRAINT few TO many;
        ALTER TABLE dish RENAME TO meal;
        ALTER INDEX dish_idx RENAME TO meal_idx;
    """
    found = sorted((new.kind, new.name) for new in new_names(look_at(code)))
    assert found == [
        ("column", "heat"),
        ("column", "id"),
        ("column", "warmth"),
        ("constraint", "dish_key"),
        ("constraint", "few"),
        ("constraint", "hot"),
        ("constraint", "many"),
        ("index", "dish_idx"),
        ("index", "meal_idx"),
        ("schema", "kitchen"),
        ("table", "dish"),
        ("table", "meal"),
        ("type", "code"),
        ("type", "kind"),
        ("view", "menu"),
    ]


def test_queries_name_columns_and_not_constraints(look_at: Look) -> None:
    (column, constraint) = new_names(
        look_at("ALTER TABLE recipe ADD COLUMN heat integer CONSTRAINT hot CHECK (heat > 0)")
    )
    assert column.is_everyday
    assert not constraint.is_everyday


@pytest.mark.parametrize("name", ["user", "order", "left", "end", "between", "value", "größe"])
def test_a_server_takes_a_name_without_quotes_unless_it_is_said_to_be_reserved(
    database: str, name: str
) -> None:
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        try:
            connection.execute(sql.SQL("CREATE TABLE {} (id bigint)").format(sql.SQL(name)))
        except psycopg.errors.SyntaxError:
            assert is_reserved_name(name)
        else:
            assert not is_reserved_name(name)


@pytest.mark.parametrize("name", ["Recipe", "in it", "2nd", "e-mail", "größe", "a$1", "_x"])
def test_a_plain_name_is_one_that_a_server_does_not_quote(database: str, name: str) -> None:
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT quote_ident(%s) = %s", (name, name)).fetchone()
    # What PostgreSQL quotes to be safe, it does not always need to.
    assert row is not None
    is_bare = name in {"größe", "a$1"} or row == (True,)
    assert is_plain_name(name) is is_bare


def test_a_name_that_is_cut_is_found_whole_and_others_are_not(look_at: Look) -> None:
    whole = "Ä" * 40
    code = f"CREATE TABLE {quote_identifier(whole)} (a{'b' * 62} bigint, c{'D' * 63} text)"
    assert [find_whole_name(new) for new in new_names(look_at(code))] == [
        whole,
        None,
        f"c{'d' * 63}",
    ]
