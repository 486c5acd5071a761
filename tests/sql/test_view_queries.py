"""The columns that the query of a view reads."""

import pytest

from safemigrate.model import CreateView
from safemigrate.sql import read_actions


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT a FROM t WHERE b > 0 ORDER BY c", {"a", "b", "c"}),
        ("SELECT * FROM t", {"t.*"}),
        ("TABLE t", {"t.*"}),
        ("SELECT count(*) FROM t", set()),
        ("SELECT x.a, u.b FROM t AS x JOIN u ON x.id = u.id", {"t.a", "u.b", "t.id", "u.id"}),
        ("SELECT x.* FROM t AS x, u", {"t.*"}),
        ("SELECT a FROM t JOIN u USING (id)", {"a", "t.id", "u.id"}),
        ("SELECT * FROM (SELECT a FROM t) AS s", {"a"}),
        ("WITH s AS (SELECT a FROM t) SELECT * FROM s", {"a"}),
        ("SELECT s.b FROM (SELECT a AS b FROM t) AS s", {"a"}),
        ("SELECT a FROM t UNION SELECT u.b FROM u", {"a", "u.b"}),
    ],
)
def test_a_view_reads_the_columns_that_its_query_names(query: str, expected: set[str]) -> None:
    (action,) = read_actions(f"CREATE VIEW v AS {query}")

    assert isinstance(action, CreateView)
    names = {f"{one.table}.{one.column}" if one.table else one.column for one in action.columns}
    assert names == expected


def test_a_view_has_its_own_statement() -> None:
    sql = 'CREATE OR REPLACE VIEW app."V" (n) AS SELECT a FROM t WITH CHECK OPTION'
    (action,) = read_actions(sql)

    assert isinstance(action, CreateView)
    assert read_actions(action.definition) == (action,)
