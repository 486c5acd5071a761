"""What is said about the types of foreign keys is what a server does."""

import psycopg
from psycopg import sql

from safemigrate.facts.references import KeyFit, judge_key_types
from safemigrate.model import ColumnType

TYPES = (
    "smallint", "integer", "bigint", "numeric", "real", "double precision", "text",
    "character varying", "character", "uuid", "boolean", "bytea", "date",
    "timestamp without time zone", "timestamp with time zone", "time without time zone",
    "time with time zone", "interval", "inet", "cidr", "macaddr", "macaddr8", "money", "jsonb",
    "bit", "bit varying",
)  # fmt: skip


def test_a_server_refuses_what_is_said_to_be_refused_and_nothing_else(database: str) -> None:
    wrong = []
    with psycopg.connect(database.replace("+psycopg", ""), autocommit=True) as connection:
        for key in TYPES:
            connection.execute("DROP TABLE IF EXISTS near, far")
            connection.execute(sql.SQL("CREATE TABLE far (id {} PRIMARY KEY)").format(sql.SQL(key)))
            for referencing in TYPES:
                connection.execute("DROP TABLE IF EXISTS near")
                fit = judge_key_types(ColumnType(key), ColumnType(referencing))
                if (fit is not KeyFit.REFUSED) != is_taken(connection, referencing):
                    wrong.append((key, referencing, fit))
    assert wrong == []


def is_taken(connection: psycopg.Connection[tuple[object, ...]], referencing: str) -> bool:
    try:
        connection.execute(
            sql.SQL("CREATE TABLE near (far_id {} REFERENCES far)").format(sql.SQL(referencing))
        )
    except psycopg.errors.DatatypeMismatch:
        return False
    return True


def test_only_a_narrower_integer_runs_out_before_its_key() -> None:
    assert judge_key_types(ColumnType("bigint"), ColumnType("integer")) is KeyFit.NARROWER
    assert judge_key_types(ColumnType("integer"), ColumnType("bigint")) is KeyFit.GOOD
    assert judge_key_types(ColumnType("numeric"), ColumnType("bigint")) is KeyFit.CAST


def test_lengths_and_the_two_kinds_of_text_do_not_matter() -> None:
    varchar = ColumnType("character varying", (9,))
    assert judge_key_types(ColumnType("text"), varchar) is KeyFit.GOOD
    assert judge_key_types(varchar, ColumnType("character varying", (5,))) is KeyFit.GOOD


def test_a_type_of_somebodys_own_is_not_known_but_equals_itself() -> None:
    mine = ColumnType("mood", schema="kitchen")
    assert judge_key_types(mine, mine) is KeyFit.GOOD
    assert judge_key_types(mine, ColumnType("text")) is KeyFit.UNKNOWN


def test_an_array_is_no_element() -> None:
    assert judge_key_types(ColumnType("bigint"), ColumnType("bigint", (), 1)) is KeyFit.REFUSED
