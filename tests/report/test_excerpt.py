import pytest

from safemigrate.model import Span
from safemigrate.report.excerpt import Excerpt, cut_line, mark_span, one_line


def test_a_span_on_one_line_is_underlined() -> None:
    text = 'def upgrade():\n    op.drop_table("a")\n'
    assert mark_span(text, Span(2, 5, 2, 23)) == Excerpt(
        line='    op.drop_table("a")', marks="    ^^^^^^^^^^^^^^^^^^"
    )


def test_a_longer_span_is_marked_to_the_end_of_its_first_line() -> None:
    text = 'op.create_index(\n    "i",\n)\n'
    assert mark_span(text, Span(1, 1, 3, 2)) == Excerpt(
        line="op.create_index(", marks="^^^^^^^^^^^^^^^^ …"
    )


def test_tabs_are_expanded_before_carets_are_counted() -> None:
    assert mark_span("\tDROP TABLE\ta;", Span(1, 2, 1, 14)) == Excerpt(
        line="    DROP TABLE    a;", marks="    ^^^^^^^^^^^^^^^"
    )


def test_wide_and_combining_characters_count_in_columns() -> None:
    assert mark_span('"表" DROP e\u0301;', Span(1, 5, 1, 11)) == Excerpt(
        line='"表" DROP e\u0301;', marks="     ^^^^^^"
    )


def test_an_empty_span_still_has_a_caret() -> None:
    found = mark_span("SELEC 1", Span(1, 1, 1, 1))
    assert found is not None
    assert found.marks == "^"


def test_a_span_beyond_the_end_of_its_line_is_held_inside() -> None:
    found = mark_span("abc", Span(1, 9, 1, 20))
    assert found is not None
    assert found.marks == "   ^"


@pytest.mark.parametrize("text", ["", "one line", "one\n\n"])
def test_a_line_that_is_not_there_or_empty_has_no_excerpt(text: str) -> None:
    assert mark_span(text, Span(2, 1, 2, 2)) is None


def test_windows_line_ends_do_not_show() -> None:
    assert mark_span("a;\r\nbcd;\r\n", Span(2, 1, 2, 4)) == Excerpt(line="bcd;", marks="^^^")


def test_a_form_feed_is_no_line_end() -> None:
    found = mark_span("a\x0cb\nc", Span(2, 1, 2, 2))
    assert found == Excerpt(line="c", marks="^")


def test_a_long_line_is_cut_behind() -> None:
    found = mark_span("DROP TABLE " + "a" * 200, Span(1, 1, 1, 212))
    assert found is not None
    assert len(found.line) == 100
    assert found.line.endswith("a…")
    assert found.marks == "^" * 99


def test_a_span_far_to_the_right_is_seen() -> None:
    found = mark_span("x" * 300 + "DROP" + "y" * 300, Span(1, 301, 1, 305))
    assert found is not None
    begin = found.marks.index("^")
    assert found.line[begin : begin + found.marks.count("^")] == "DROP"
    assert found.line.startswith("…x")
    assert found.line.endswith("y…")
    assert len(found.line) <= 101


def test_a_file_cannot_steer_the_terminal() -> None:
    found = mark_span("a \x1b[31m b \u202e c", Span(1, 1, 1, 2))
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
