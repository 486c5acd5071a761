import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safemigrate.sql import split_statements


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("", []),
        ("  -- nothing here\n/* nor here */ ;;", []),
        ("SELECT ';' AS semicolon; SELECT 2", ["SELECT ';' AS semicolon", "SELECT 2"]),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT 3",
            ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END", "SELECT 3"],
        ),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; END; B",
            [
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; END",
                "B",
            ],
        ),
        ("DO $$ BEGIN PERFORM 1; END $$; SELECT 2", ["DO $$ BEGIN PERFORM 1; END $$", "SELECT 2"]),
        (
            "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3",
            ["CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"],
        ),
    ],
)
def test_splits_at_the_semicolons_that_end_a_statement(text: str, expected: list[str]) -> None:
    assert [statement.sql for statement in split_statements(text)] == expected


def test_offsets_count_characters_not_bytes() -> None:
    text = "SELECT 'é€𐍈'; -- ü\nSELECT 2;"

    first, second = split_statements(text)

    assert text[first.offset :].startswith("SELECT 'é€𐍈'")
    assert text[second.offset :] == "SELECT 2;"


def test_a_statement_that_does_not_parse_hides_no_other() -> None:
    pieces = split_statements("SELECT 1; SELEKT 2; SELECT 3")

    assert [piece.sql for piece in pieces] == ["SELECT 1", "SELEKT 2", "SELECT 3"]


@pytest.mark.parametrize("opening", ["'", '"', "$$", "/*"])
def test_what_stands_before_an_unterminated_piece_is_kept(opening: str) -> None:
    text = f"SELECT 1; SELECT {opening}abc"

    pieces = split_statements(text)

    assert [piece.sql for piece in pieces] == ["SELECT 1", f"SELECT {opening}abc"]
    assert text[pieces[1].offset :] == pieces[1].sql


def test_a_text_that_begins_unterminated_is_one_piece() -> None:
    assert [piece.sql for piece in split_statements(" 'abc; d")] == ["'abc; d"]


def test_finds_an_unterminated_string_behind_non_ascii_text() -> None:
    text = "SELECT 'é€𐍈'; SELECT 'abc"

    pieces = split_statements(text)

    assert [piece.sql for piece in pieces] == ["SELECT 'é€𐍈'", "SELECT 'abc"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT (1; DROP TABLE t", ["SELECT (1", "DROP TABLE t"]),
        ("SELECT (1; SELECT 2); SELECT 3", ["SELECT (1", "SELECT 2)", "SELECT 3"]),
        ("SELECT CASE WHEN a; SELECT 2", ["SELECT CASE WHEN a", "SELECT 2"]),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2;\nDROP TABLE t; B",
            [
                "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1",
                "SELECT 2",
                "DROP TABLE t",
                "B",
            ],
        ),
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2",
            ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1", "SELECT 2"],
        ),
        (
            "CREATE OR REPLACE RULE r AS ON INSERT TO t DO (SELECT 1; CREATE TABLE t (a int); B",
            [
                "CREATE OR REPLACE RULE r AS ON INSERT TO t DO (SELECT 1",
                "CREATE TABLE t (a int)",
                "B",
            ],
        ),
    ],
)
def test_what_is_never_closed_hides_no_statement(text: str, expected: list[str]) -> None:
    assert [statement.sql for statement in split_statements(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CREATE TABLE t (rule text); SELECT 1", ["CREATE TABLE t (rule text)", "SELECT 1"]),
        ('SELECT "begin" atomic; SELECT 1', ['SELECT "begin" atomic', "SELECT 1"]),
        (
            "create procedure p() begin atomic insert into t values (1); end; SELECT 1",
            ["create procedure p() begin atomic insert into t values (1); end", "SELECT 1"],
        ),
        ("BEGIN; ATOMIC; END; SELECT 1", ["BEGIN", "ATOMIC", "END", "SELECT 1"]),
    ],
)
def test_only_a_body_has_semicolons_inside(text: str, expected: list[str]) -> None:
    assert [statement.sql for statement in split_statements(text)] == expected


SPLIT_PIECES = st.sampled_from(
    [
        *" \t\n\r\v\f;;'\"$-/*\\aeEx1_é\u00a0\x1c,()[]@<=+:.#",
        "e'",
        "$a$",
        "$1",
        "--",
        "/*",
        "*/",
        "''",
    ]
)


@settings(derandomize=True, max_examples=2000, deadline=None)
@given(st.lists(SPLIT_PIECES, max_size=25).map("".join))
def test_a_text_without_bodies_is_split_as_one_that_may_have_them(text: str) -> None:
    comment = "-- a rule\n"
    expected = [(one.sql, one.offset + len(comment)) for one in split_statements(text)]
    assert [(one.sql, one.offset) for one in split_statements(comment + text)] == expected
