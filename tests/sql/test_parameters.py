"""What a query is about, and what its parameters stand for."""

import pytest

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import ColumnName, QualifiedName
from safemigrate.sql import read_query

T = QualifiedName(None, "t")
U = QualifiedName("app", "u")


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (
            "INSERT INTO t (a, b) VALUES ($1::int, now()), ($2, $3::text::varchar)",
            {1: ("a", T), 2: ("a", T), 3: ("b", T)},
        ),
        ("INSERT INTO t (a) SELECT $1", {1: ("a", T)}),
        (
            "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = $1",
            {1: ("b", T)},
        ),
        ("UPDATE app.u SET a = $1 WHERE $2 = b", {1: ("a", U), 2: ("b", U)}),
        (
            "DELETE FROM t WHERE a IN ($1, $2) OR b = ANY ($3)",
            {1: ("a", T), 2: ("a", T), 3: ("b", T)},
        ),
        (
            "SELECT 1 FROM t JOIN app.u x ON t.a = x.a WHERE x.b LIKE $1 AND c = $2 LIMIT $3",
            {1: ("b", U), 2: ("c", None)},
        ),
        ("SELECT 1 FROM t WHERE lower(a) = $1 AND t.* = $2", {}),
        ("SELECT $1", {}),
    ],
)
def test_parameters_stand_for_columns(
    sql: str, parameters: dict[int, tuple[str, QualifiedName | None]]
) -> None:
    expected = {number: ColumnName(table, name) for number, (name, table) in parameters.items()}

    assert read_query(sql).parameters == expected


def test_tables_are_those_named_but_for_what_the_query_makes_itself() -> None:
    shape = read_query("WITH q AS (UPDATE t SET a = 1 RETURNING a) SELECT * FROM q, app.u")

    assert shape.is_query
    assert {*shape.tables} == {T, U}
    assert shape.inserted is None
    assert read_query("INSERT INTO app.u SELECT * FROM t").inserted == U


@pytest.mark.parametrize(
    "sql", ["BEGIN", "SELECT a INTO b FROM t", "CREATE TABLE t ()", "SET x = 1"]
)
def test_what_cannot_be_prepared_or_makes_a_table_is_no_query(sql: str) -> None:
    assert not read_query(sql).is_query


def test_what_does_not_parse_is_refused() -> None:
    with pytest.raises(SqlSyntaxError):
        read_query("SELEC 1")
