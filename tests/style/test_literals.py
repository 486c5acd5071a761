"""Where the characters of a string are written, and how SQL in one is laid out."""

import ast

import pytest

from safemigrate.style.layout import lay_out
from safemigrate.style.literals import Written, read_literal


def read(code: str) -> Written | None:
    return read_literal(f"x = {code}", 4, 4 + len(code), ast.literal_eval(f"({code})"))


@pytest.mark.parametrize(
    "code",
    [
        "''",
        "'plain'",
        '"🦉é"',
        r"'\n\t\\\'\"\a\b\f\r\v\0\7\47\x41\u00e9\U0001f989\N{OWL}'",
        r"'''\
   '''",
        r"r'\n\''",
        r"R'''\d'''",
        "'''a\n  b'''",
        "'a' 'b'",
        "('a'\n 'b'  # 'c'\n r'\\d')",
        "u'a' \"b\"",
    ],
)
def test_each_character_is_known_by_where_it_is_written(code: str) -> None:
    written = read(code)

    assert written is not None
    assert written.text == ast.literal_eval(code)
    assert list(written.offsets) == sorted(written.offsets)
    source = f"x = {code}"
    for character, offset in zip(written.text, written.offsets, strict=False):
        assert source[offset] == character or source[offset] == "\\"


@pytest.mark.parametrize("code", ["f'a{1}'", "'a' f'{1}'", "b'a'", "'a' + 'b'"])
def test_what_is_no_plain_string_is_not_known(code: str) -> None:
    assert read_literal(code, 0, len(code), "a1") is None


def test_a_string_that_is_another_one_than_was_said_is_not_known() -> None:
    assert read_literal("'a'", 0, 3, "b") is None


@pytest.mark.parametrize(
    ("text", "laid"),
    [
        ("SELECT 1", "SELECT 1\n"),
        ("  SELECT 1 ; \n\n", "SELECT 1 ;\n"),
        ("\n    SELECT\n        1\n    ", "SELECT\n    1\n"),
        ("\n\n\t\tSELECT\n\n\t\t\t1", "SELECT\n\n\t1\n"),
        ("\n    SELECT '\n  ' AS a\n", "  SELECT '\n' AS a\n"),
        ("SELECT\n  1\nFROM a", "SELECT\n  1\nFROM a\n"),
        ("\r\n  SELECT 1\r\n  + 2\r\n", "SELECT 1\r\n+ 2\n"),
    ],
)
def test_sql_is_laid_out_as_in_a_file(text: str, laid: str) -> None:
    found = lay_out(Written(text, tuple(range(len(text) + 1))), text)

    assert found is not None
    assert found.text == laid
    assert len(found.offsets) == len(laid) + 1
    for character, offset in list(zip(laid, found.offsets, strict=False))[:-1]:
        assert text[offset] == character


def test_blanks_have_no_layout() -> None:
    assert lay_out(Written(" \n ", (0, 1, 2, 3)), " \n ") is None


def test_lines_below_the_first_are_aligned_with_it_or_with_the_code() -> None:
    aligned = '    call("""SELECT a\n            FROM b""")'
    indented = '    call("""SELECT a\n    FROM b""")'

    for source in (aligned, indented):
        start = source.index('"""')
        code = source[start:-1]
        written = read_literal(source, start, len(source) - 1, ast.literal_eval(code))
        assert written is not None
        laid = lay_out(written, source)
        assert laid is not None
        assert laid.text == "SELECT a\nFROM b\n"
