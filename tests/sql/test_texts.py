"""Constants of text, and the columns they are meant for."""

import pytest

from safemigrate.model import ChangeRows, SetDefault, TextConstant
from safemigrate.sql import read_actions


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("UPDATE t SET a = 'x', b = 'y'::mood", {("x", "a"), ("y", "b")}),
        ("UPDATE t SET a = coalesce(a, 'x') WHERE b = 'y'", {("x", None), ("y", "b")}),
        ("DELETE FROM t WHERE 'x' <> t.a OR b IN ('y', 'z')", {("x", "a"), ("y", "b"), ("z", "b")}),
        ("DELETE FROM t WHERE a = ANY (ARRAY['x', NULL])", {("x", "a")}),
        ("INSERT INTO t (a, b) VALUES ('x', 1), (NULL, 'y')", {("x", "a"), ("y", "b")}),
        ("INSERT INTO t VALUES ('x')", {("x", None)}),
        ("UPDATE t SET a = '" + "x" * 64 + "'", set()),
    ],
)
def test_a_constant_has_the_column_that_it_meets(
    sql: str, expected: set[tuple[str, str | None]]
) -> None:
    (action,) = read_actions(sql)

    assert isinstance(action, ChangeRows)
    assert {(one.text, one.column) for one in action.texts} == expected


def test_a_default_has_its_constant() -> None:
    (action,) = read_actions("ALTER TABLE t ALTER COLUMN a SET DEFAULT 'x'")

    assert isinstance(action, SetDefault)
    assert action.default.texts == (TextConstant("x"),)
