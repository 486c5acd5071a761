"""What the columns in a condition are compared with."""

import pytest

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import QualifiedName
from safemigrate.sql.comparisons import ColumnComparison, read_comparisons

MEMBER = QualifiedName("public", "member")
SETTING = "current_setting('app.org'::text)"


def told(condition: str) -> list[tuple[QualifiedName | None, str, str]]:
    return [(one.table, one.column, one.other) for one in read_comparisons(condition)]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (f"(org = {SETTING})", [(None, "org", SETTING)]),
        (f"({SETTING} = (org)::text)", [(None, "org", SETTING)]),
        (f"((org = {SETTING}) AND (a = b))", [(None, "org", SETTING)]),
        (f"(NOT (org <> {SETTING}))", []),
        ("(owner = CURRENT_USER)", [(None, "owner", "current_user")]),
        (
            "(EXISTS ( SELECT 1 FROM public.member m WHERE ((m.org = doc.org) AND (m.u = 'x'))))",
            [(MEMBER, "u", "'x'")],
        ),
        (
            "(org IN ( SELECT member.org FROM public.member WHERE (member.u = 'x')))",
            [(MEMBER, "u", "'x'")],
        ),
        (
            "(EXISTS ( SELECT 1 FROM public.member WHERE (doc.org = 'x')))",
            [(None, "org", "'x'")],
        ),
        ("true", []),
        ("(id IN ( SELECT p.id FROM public.p))", []),
    ],
)
def test_a_column_is_told_with_what_it_equals(
    condition: str, expected: list[tuple[QualifiedName | None, str, str]]
) -> None:
    assert told(condition) == expected


def test_a_set_and_a_query_of_tables_are_told_apart() -> None:
    any_of = read_comparisons(
        "(org = ANY (string_to_array(current_setting('a.b'::text), ','::text)))"
    )
    queried = read_comparisons("(org = ( SELECT u.org FROM public.u WHERE (u.id = 3)))")

    assert any_of == (
        ColumnComparison(
            None,
            "org",
            "string_to_array(current_setting('a.b'::text), ','::text)",
            "org = ANY(string_to_array(current_setting('a.b'::text), ','::text))",
            is_any=True,
        ),
    )
    assert [(one.column, one.reads_tables) for one in queried] == [("org", True), ("id", False)]


@pytest.mark.parametrize("condition", ["", "a =", "a; b", "'"])
def test_what_is_no_expression_is_refused(condition: str) -> None:
    with pytest.raises(SqlSyntaxError):
        read_comparisons(condition)
