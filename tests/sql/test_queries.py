"""What is known of a query without asking a database."""

import pytest

from safemigrate.model import QualifiedName
from safemigrate.sql.queries import (
    Comparison,
    Output,
    OutputKind,
    Parameter,
    Query,
    RelationName,
    Special,
    read_query,
)


def read(sql: str) -> Query:
    query = read_query(sql)
    assert query is not None
    return query


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT a, t.b, c AS d FROM t", ["a", "b", "d"]),
        ("SELECT 1, 'x' AS y, lower(a), a::text, 1::int8, a + 1", ["?column?", "y", "lower"]),
        ("SELECT CASE WHEN a THEN 1 END, coalesce(a, 1), EXISTS (SELECT 1)", ["case"]),
        ("SELECT * FROM t", []),
        ("SELECT a, t.* FROM t", []),
        ("SELECT a FROM t UNION SELECT b FROM u", ["a"]),
        ("WITH x AS (SELECT 1) SELECT a FROM x", ["a"]),
        ("INSERT INTO t (a) VALUES (1) RETURNING id, a AS b", ["id", "b"]),
        ("UPDATE t SET a = 1 RETURNING a", ["a"]),
        ("DELETE FROM t", []),
    ],
)
def test_columns_of_the_answer_have_their_names(sql: str, names: list[str]) -> None:
    found = [output.name for output in read(sql).outputs]

    assert found[: len(names)] == names
    assert bool(found) is bool(names)


@pytest.mark.parametrize(
    ("sql", "has_one_row"),
    [
        ("SELECT 1", True),
        ("SELECT nextval('s')", True),
        ("SELECT count(*) FROM t WHERE a = 1", True),
        ("SELECT coalesce(max(a), 0) + 1 FROM t", True),
        ("SELECT count(*) > 0 FROM t JOIN u ON true", True),
        ("SELECT EXISTS (SELECT 1 FROM t)", True),
        ("INSERT INTO t VALUES (1) RETURNING a", True),
        ("INSERT INTO t DEFAULT VALUES RETURNING a", True),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2 RETURNING a", True),
        ("SELECT 1 WHERE false", False),
        ("SELECT a FROM t", False),
        ("SELECT count(*) FROM t GROUP BY a", False),
        ("SELECT count(*) FROM t HAVING count(*) > 1", False),
        ("SELECT count(*) OVER () FROM t", False),
        ("SELECT unnest(array[1, 2])", False),
        ("SELECT 1 UNION SELECT 2", False),
        ("SELECT 1 LIMIT 0", False),
        ("SELECT 1 OFFSET 1", False),
        ("VALUES (1), (2)", False),
        ("INSERT INTO t VALUES (1), (2) RETURNING a", False),
        ("INSERT INTO t SELECT 1 RETURNING a", False),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING RETURNING a", False),
        ("DELETE FROM t RETURNING a", False),
    ],
)
def test_one_row_is_known_whatever_the_database_holds(sql: str, *, has_one_row: bool) -> None:
    assert read(sql).has_one_row is has_one_row


def test_question_to_one_table_is_read_whole() -> None:
    query = read(
        "SELECT a.x, 1 AS one, count FROM s.t AS a WHERE a.x = 'k' AND y IN (1, $2)"
        " AND $1::text = z::text AND b <> true AND r = 'n.m'::regclass"
        " AND s = current_schema() AND d = current_database() LIMIT 3"
    )

    assert query == Query(
        outputs=(
            Output("x", OutputKind.COLUMN, "x"),
            Output("one", OutputKind.CONSTANT, value=1),
            Output("count", OutputKind.COLUMN, "count"),
        ),
        table=QualifiedName("s", "t"),
        conditions=(
            Comparison("x", ("k",)),
            Comparison("y", (1, Parameter(2))),
            Comparison("z", (Parameter(1),)),
            Comparison("b", (True,), is_negated=True),
            Comparison("r", (RelationName("n.m"),)),
            Comparison("s", (Special.CURRENT_SCHEMA,)),
            Comparison("d", (Special.CURRENT_DATABASE,)),
        ),
        limit=3,
    )


@pytest.mark.parametrize(
    "question",
    [
        "SELECT 1 FROM t WHERE a = 1 OR b = 2",
        "SELECT 1 FROM t WHERE NOT a = 1",
        "SELECT 1 FROM t WHERE a LIKE 'x'",
        "SELECT 1 FROM t WHERE a = b",
        "SELECT 1 FROM t WHERE a > 1",
        "SELECT 1 FROM t WHERE lower(a) = 'x'",
        "SELECT 1 FROM t WHERE a = (SELECT 1)",
        "SELECT 1 FROM t WHERE a = ANY (array['x'])",
        "SELECT 1 FROM t WHERE a::int = 1",
        "SELECT 1 FROM t WHERE a = 'x'::mood",
        "SELECT 1 FROM t WHERE a IS NULL",
        "SELECT 1 FROM t WHERE a = 1.5",
    ],
)
def test_other_conditions_are_not_read(question: str) -> None:
    assert read(question).conditions is None


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM t, u WHERE a = 1",
        "SELECT 1 FROM t JOIN u USING (a) WHERE a = 1",
        "SELECT 1 FROM (SELECT 1) AS t",
        "SELECT DISTINCT a FROM t",
        "SELECT a, count(*) FROM t GROUP BY a",
        "WITH t AS (SELECT 1) SELECT 1 FROM t",
        "SELECT a FROM t OFFSET 1",
        "SELECT max(a) FROM t",
    ],
)
def test_rows_that_are_joined_or_grouped_are_not_read(sql: str) -> None:
    assert read(sql).conditions is None


def test_tests_of_existence_are_read() -> None:
    first, second, third, fourth = read(
        "SELECT EXISTS (SELECT FROM t), NOT EXISTS (SELECT FROM t),"
        " to_regclass('a.b'), to_regclass($1) IS NOT NULL"
    ).outputs

    assert first.kind is second.kind is OutputKind.EXISTS
    assert (first.is_negated, second.is_negated) == (False, True)
    assert first.query == second.query == Query(table=QualifiedName(None, "t"), conditions=())
    assert (third.value, third.tests_null) == ("a.b", None)
    assert (fourth.value, fourth.tests_null) == (Parameter(1), False)


@pytest.mark.parametrize("sql", ["", "no SQL", "SELECT 1; SELECT 2", "SHOW x", "DROP TABLE t"])
def test_what_is_no_query_is_none(sql: str) -> None:
    assert read_query(sql) is None
