import pytest

from safemigrate.model import Span
from safemigrate.report.excerpt import (
    Excerpt,
    cut_line,
    hide_controls,
    mark_span,
    one_line,
    show_code,
    split_lines,
)


def test_a_span_on_one_line_is_underlined() -> None:
    text = 'def upgrade():\n    op.drop_table("a")\n'
    assert mark_span(split_lines(text), Span(2, 5, 2, 23)) == Excerpt(
        line='    op.drop_table("a")', marks="    ^^^^^^^^^^^^^^^^^^"
    )


def test_a_longer_span_is_marked_to_the_end_of_its_first_line() -> None:
    text = 'op.create_index(\n    "i",\n)\n'
    assert mark_span(split_lines(text), Span(1, 1, 3, 2)) == Excerpt(
        line="op.create_index(", marks="^^^^^^^^^^^^^^^^ …"
    )


def test_tabs_are_expanded_before_carets_are_counted() -> None:
    assert mark_span(split_lines("\tDROP TABLE\ta;"), Span(1, 2, 1, 14)) == Excerpt(
        line="    DROP TABLE    a;", marks="    ^^^^^^^^^^^^^^^"
    )


def test_wide_and_combining_characters_count_in_columns() -> None:
    assert mark_span(split_lines('"表" DROP e\u0301;'), Span(1, 5, 1, 11)) == Excerpt(
        line='"表" DROP e\u0301;', marks="     ^^^^^^"
    )


def test_an_empty_span_still_has_a_caret() -> None:
    found = mark_span(split_lines("SELEC 1"), Span(1, 1, 1, 1))
    assert found is not None
    assert found.marks == "^"


def test_a_span_beyond_the_end_of_its_line_is_held_inside() -> None:
    found = mark_span(split_lines("abc"), Span(1, 9, 1, 20))
    assert found is not None
    assert found.marks == "   ^"


@pytest.mark.parametrize("text", ["", "one line", "one\n\n"])
def test_a_line_that_is_not_there_or_empty_has_no_excerpt(text: str) -> None:
    assert mark_span(split_lines(text), Span(2, 1, 2, 2)) is None


def test_windows_line_ends_do_not_show() -> None:
    assert mark_span(split_lines("a;\r\nbcd;\r\n"), Span(2, 1, 2, 4)) == Excerpt(
        line="bcd;", marks="^^^"
    )


def test_a_form_feed_is_no_line_end() -> None:
    found = mark_span(split_lines("a\x0cb\nc"), Span(2, 1, 2, 2))
    assert found == Excerpt(line="c", marks="^")


def test_a_long_line_is_cut_behind() -> None:
    found = mark_span(split_lines("DROP TABLE " + "a" * 200), Span(1, 1, 1, 212))
    assert found is not None
    assert len(found.line) == 100
    assert found.line.endswith("a…")
    assert found.marks == "^" * 99


def test_a_span_far_to_the_right_is_seen() -> None:
    found = mark_span(split_lines("x" * 300 + "DROP" + "y" * 300), Span(1, 301, 1, 305))
    assert found is not None
    begin = found.marks.index("^")
    assert found.line[begin : begin + found.marks.count("^")] == "DROP"
    assert found.line.startswith("…x")
    assert found.line.endswith("y…")
    assert len(found.line) <= 101


def test_a_file_cannot_steer_the_terminal() -> None:
    found = mark_span(split_lines("a \x1b[31m b \u202e c"), Span(1, 1, 1, 2))
    assert found is not None
    assert found.line == "a �[31m b � c"
    assert one_line("a\x1b[31m") == "a�[31m"


def test_white_space_of_any_kind_becomes_one_blank() -> None:
    assert one_line(" CREATE\n\tINDEX  i ") == "CREATE INDEX i"


def test_a_line_that_fits_is_not_cut() -> None:
    assert cut_line("a" * 20, 20) == "a" * 20


def test_a_line_is_cut_by_columns() -> None:
    assert cut_line("a" * 21, 20) == "a" * 19 + "…"
    assert cut_line("表" * 21, 20) == "表" * 9 + "…"


def test_a_password_is_hidden_whose_word_stands_on_a_line_above() -> None:
    lines = split_lines("ALTER ROLE x PASSWORD\n\n  's3cret'; DROP TABLE a;")
    assert mark_span(lines, Span(3, 13, 3, 25)) == Excerpt(
        line="  '***'; DROP TABLE a;", marks="         ^^^^^^^^^^^^"
    )


def test_a_password_of_two_lines_is_hidden() -> None:
    lines = split_lines("ALTER ROLE x PASSWORD 's3\ncret'; DROP TABLE a;")
    found = mark_span(lines, Span(2, 8, 2, 20))
    assert found is not None
    assert "cret" not in found.line
    assert found.line[found.marks.index("^") :] == "DROP TABLE a;"


def test_code_keeps_its_lines_and_margins() -> None:
    assert show_code("\nwith x:\n\n    y\r\n    z  \n") == ["with x:", "", "    y", "    z"]


def test_code_has_no_passwords_and_no_control_characters() -> None:
    assert show_code("ALTER ROLE x PASSWORD\n's3cret'; -- \x1b[31m\u2028") == [
        "ALTER ROLE x PASSWORD",
        "'***'; -- �[31m�",
    ]


def test_a_path_is_shown_on_one_line() -> None:
    assert hide_controls("a\nb\x1b \udcff  c.sql") == "a b� �  c.sql"


def test_a_line_as_long_as_a_file_is_cut_before_it_is_looked_at() -> None:
    lines = split_lines("x" * 1_000_000 + "DROP" + "y" * 1_000_000)
    found = mark_span(lines, Span(1, 1_000_001, 1, 1_000_005))
    assert found is not None
    begin = found.marks.index("^")
    assert found.line[begin : begin + 4] == "DROP"
    assert found.marks.count("^") == 4
    assert (found.line[0], found.line[-1]) == ("…", "…")
