"""The pieces of SQL, as the manual's "Lexical Structure" has them."""

import pytest

from safemigrate.sql.lexing import lex


def pieces(text: str) -> list[tuple[str, str]]:
    return [(kind, text[start:end]) for kind, start, end in lex(text)]


@pytest.mark.parametrize(
    "string",
    [
        "'a; -- b'",
        "'a\\'",
        "'a\n;'",
        "E'a\\'; '",
        "e'\\\\'",
        "E'a''\\''",
        "$$ a; $ $a$ $$",
        "$a$ $$ ; $b$ $a$",
        "$é_1$ ; $é_1$",
        "$a$ $ab$a$",
    ],
)
def test_a_string_ends_where_it_is_closed(string: str) -> None:
    assert pieces(f"{string};") == [("string", string), ("semicolon", ";")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tablE'a\\'", [("word", "tablE"), ("string", "'a\\'")]),
        ("a$$b$$", [("word", "a$$b$$")]),
        ("1$$b;$$", [("number", "1"), ("string", "$$b;$$")]),
        ("$1$$b;$$", [("number", "$1"), ("string", "$$b;$$")]),
        ("$a b$", [("other", "$"), ("word", "a"), ("word", "b$")]),
        ("N'a' x'1'", [("word", "N"), ("string", "'a'"), ("word", "x"), ("string", "'1'")]),
        (
            "U&\"a;\" U&'\\'",
            [
                *(("word", "U"), ("other", "&"), ("name", '"a;"')),
                *(("word", "U"), ("other", "&"), ("string", "'\\'")),
            ],
        ),
        ("😀é\xa0_1", [("word", "😀é\xa0_1")]),
        ("a\v\fb", [("word", "a"), ("word", "b")]),
        ("(a[1], 2)", [("open", "("), ("word", "a"), ("open", "["), ("number", "1")]),
        ("\\a", [("backslash", "\\"), ("word", "a")]),
    ],
)
def test_pieces_are_told_apart(text: str, expected: list[tuple[str, str]]) -> None:
    assert pieces(text)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a --b;\rc", ["a", "--b;", "c"]),
        ("a*--c", ["a", "*", "--c"]),
        ("a*/*;*/b", ["a", "*", "/*;*/", "b"]),
        ("/*/ ; */b", ["/*/ ; */", "b"]),
        ("/* /* ; */ -- */b", ["/* /* ; */ -- */", "b"]),
        ("/***/b", ["/***/", "b"]),
        ("-- /*\nb", ["-- /*", "b"]),
    ],
)
def test_comments_begin_also_behind_an_operator(text: str, expected: list[str]) -> None:
    assert [piece for _, piece in pieces(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E'a'\n'\\';'", [("string", "E'a'"), ("string", "'\\';'")]),
        (
            "E'a' -- it's\n'\\';'",
            [("string", "E'a'"), ("comment", "-- it's"), ("string", "'\\';'")],
        ),
        ("E'a'\n\n'b'\r'\\';'", [("string", "E'a'"), ("string", "'b'"), ("string", "'\\';'")]),
        ("E'a' '\\';", [("string", "E'a'"), ("string", "'\\'"), ("semicolon", ";")]),
        ("'a'\n'\\';", [("string", "'a'"), ("string", "'\\'"), ("semicolon", ";")]),
        (
            "E'a'/**/\n'\\';",
            [("string", "E'a'"), ("block", "/**/"), ("string", "'\\'"), ("semicolon", ";")],
        ),
    ],
)
def test_a_string_goes_on_below_as_it_began(text: str, expected: list[tuple[str, str]]) -> None:
    assert pieces(text) == expected


@pytest.mark.parametrize("text", ["'a;", "E'a\\';", '"a;', "$$a;$", "$a$;$b$", "/* ; /* */"])
def test_what_is_never_closed_goes_to_the_end(text: str) -> None:
    (piece,) = pieces(text)
    assert piece == ("name" if text[0] == '"' else "string", text)


def test_begins_where_it_is_told() -> None:
    assert list(lex("it's a; b", 5)) == [("word", 5, 6), ("semicolon", 6, 7), ("word", 8, 9)]
