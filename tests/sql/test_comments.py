import pytest

from safemigrate.sql import Comment, read_comments


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("-- a\nSELECT 1; -- b", [Comment("a", 0), Comment("b", 15)]),
        ("SELECT 1 --a\r\n--b\r\n", [Comment("a", 9), Comment("b", 14)]),
        ("SELECT 'ü' -- ü", [Comment("ü", 11)]),
        ("SELECT '-- a', \"-- b\", $$ -- c $$, E'\\'-- d'", []),
        ("/* -- a /* -- b */ -- c */ -- d", [Comment("d", 27)]),
        ("DO $do$ BEGIN -- a\nEND $do$ -- b", [Comment("b", 28)]),
        ("SELECT 1 - -1 -- a", [Comment("a", 14)]),
        ("-- don't -- stop", [Comment("don't -- stop", 0)]),
        ("SELECT 1 -- a\n; SELECT 'open -- b", [Comment("a", 9)]),
        ("it's no SQL -- a", []),
        ("", []),
    ],
)
def test_comments_stand_between_tokens(sql: str, found: list[Comment]) -> None:
    assert list(read_comments(sql)) == found


def test_comments_in_bodies_are_told_where_they_stand() -> None:
    sql = "DO $do$ BEGIN -- ä\n  x := '-- no'; -- b\nEND $do$ -- c"
    found = read_comments(sql, in_bodies=True)
    assert [comment.text for comment in found] == ["ä", "b", "c"]
    assert all(sql.startswith(f"-- {comment.text}", comment.offset) for comment in found)
