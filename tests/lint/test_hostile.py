"""Files of any kind are judged without a traceback, and findings stand where they belong."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, reject
from hypothesis import strategies as st

from safemigrate.cli.group import group
from safemigrate.errors import SafemigrateError
from safemigrate.lint.suppressions import find_suppressions
from safemigrate.model import Migration
from safemigrate.source.text import read_revision, split_lines
from tests.sql.mutations import SPARKS, STEADY, any_text, hostile_text, spoilt_sql

MARK = "safemigrate: ignore[dropped-table] no longer read"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def check_places(text: str, path: str) -> None:
    """Check that each ignore comment of the file stands in it."""
    lines = split_lines(text)
    for one in find_suppressions(Migration(path=path, text=text)):
        assert 1 <= one.span.line <= len(lines)
        assert 1 <= one.span.column <= len(lines[one.span.line - 1]) + 1
        assert one.line >= one.span.line
        if one.piece is not None:
            assert 0 <= one.piece.number <= one.piece.count


@STEADY
@given(hostile_text, st.integers(0, 200))
def test_comments_in_any_sql_are_read(text: str, place: int) -> None:
    check_places(f"{text[:place]}-- {MARK}\n{text[place:]}", "a.sql")


@st.composite
def python(draw: st.DrawFn) -> str:
    """Draw a revision with SQL in it, spoilt in one to three places."""
    sql = draw(st.one_of(spoilt_sql(), any_text))
    string = draw(
        st.sampled_from(
            (repr(sql), f'"""{sql}"""', f'f"""{sql} -- {MARK}\n{{a}}"""', f"r'''{sql}'''")
        )
    )
    text = f"def upgrade():\n    op.execute({string})  # {MARK}\n\n    op.drop_table('é😀')\n"
    text = draw(st.sampled_from(("", "# coding: latin-1\n", "\ufeff", "\f\n", "\tif a:\n"))) + text
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(text)))
        sparks = (*SPARKS, "{", "}", "#", '"""', "'''", "\\\n", f"# {MARK}\n", f"-- {MARK}\n")
        text = draw(
            st.sampled_from(
                (text[:place], text[:place] + draw(st.sampled_from(sparks)) + text[place:])
            )
        )
    return text


@STEADY
@given(python())
def test_comments_in_any_python_are_read(text: str) -> None:
    check_places(text, "a.py")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000,
        "-" * 100_000 + "1",
        "a" + ".b" * 100_000,
        "[" * 150 + "]" * 150,
        "x = " + " + ".join(["'a'"] * 20_000),
        "if a:\n" + "".join(f"{' ' * depth}if a:\n" for depth in range(1, 150)),
        "'\\ud800 \x00'",
        "'\ud800'",
        "'''never closed",
        "\x00",
        "def f(:\n",
        "\tif a:\n        b\n",
    ],
)
def test_python_that_goes_too_deep_or_breaks_off_has_the_comments_before(text: str) -> None:
    found = find_suppressions(Migration(path="a.py", text=f"# {MARK}\n{text}"))
    assert all(one.span.line == 1 for one in found)


def test_comments_of_sql_in_very_many_strings_and_rows_are_found() -> None:
    rows = "\n".join([f"-- {MARK}"] * 20_000)
    text = f'op.execute("""\n{rows}\nDROP TABLE t""")\n'
    found = find_suppressions(Migration(path="a.py", text=text))
    assert [one.span.line for one in found] == list(range(2, 20_002))
    assert {one.line for one in found} == {20_002}


@STEADY
@given(hostile_text)
def test_any_file_of_sql_is_judged(folder: Path, text: str) -> None:
    path = folder / "file.sql"
    path.write_bytes(text.encode(errors="replace"))
    result = CliRunner(env={"SAFEMIGRATE_TRACEBACK": "1"}).invoke(
        group, ["lint", "--format", "json", str(path)]
    )
    if not isinstance(result.exception, SystemExit | None):
        raise result.exception
    assert result.exit_code in {0, 1}
    lines = split_lines(path.read_bytes().decode().removeprefix("\ufeff"))
    for finding in json.loads(result.stdout)["findings"]:
        assert 1 <= finding["line"] <= len(lines)
        assert 1 <= finding["column"] <= len(lines[finding["line"] - 1]) + 1


@STEADY
@given(st.binary(max_size=200))
def test_comments_in_any_bytes_that_are_text_are_read(folder: Path, data: bytes) -> None:
    path = folder / "revision.py"
    path.write_bytes(data)
    try:
        text = read_revision(path)
    except SafemigrateError:
        reject()
    check_places(text, "a.py")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("DROP TABLE a;", (1, 1)),
        ("SELECT 'é€😀'; DROP TABLE a;", (1, 15)),
        ("SELECT 'e\u0301'; DROP TABLE a;", (1, 14)),
        ("/* 漢字 */ DROP TABLE a;", (1, 10)),
        ("SELECT 'é';\r\nSELECT '😀';\r\n  DROP TABLE a;\r\n", (3, 3)),
        ("SELECT 'é\r\n';\rDROP TABLE a;", (3, 1)),
        ("\tDROP TABLE a;", (1, 2)),
        ("\ufeff-- é\nDROP TABLE a;", (2, 1)),
        ("SELECT 'a\u2028b\x0c'; DROP TABLE a;", (1, 16)),
        ('ALTER TABLE ü\n  ADD COLUMN "😀" int, DROP COLUMN é;', (2, 23)),
        ("\\echo é\nCOPY t FROM stdin;\né\t😀\n\\.\n DROP TABLE a;", (5, 2)),
        ("DO $$ BEGIN -- é\n  PERFORM '😀'; DROP TABLE a; END $$;", (2, 16)),
    ],
)
def test_line_and_column_count_characters(
    tmp_path: Path, text: str, place: tuple[int, int]
) -> None:
    path = tmp_path / "file.sql"
    path.write_bytes(text.encode())
    result = CliRunner().invoke(group, ["lint", "--format", "json", str(path)])
    places = {
        (finding["line"], finding["column"])
        for finding in json.loads(result.stdout)["findings"]
        if finding["rule"] in {"dropped-table", "dropped-column"}
    }
    assert places == {place}


def test_a_syntax_error_stands_where_the_parser_stops(tmp_path: Path) -> None:
    path = tmp_path / "file.sql"
    path.write_bytes("SELECT 'é😀';\r\nSELECT '漢' FRM a b c;\r\nSELECT 2;".encode())
    result = CliRunner().invoke(group, ["lint", "--format", "json", str(path)])
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["rule"], finding["line"], finding["column"]) == ("syntax-error", 2, 16)


def test_what_is_too_deep_is_not_judged_and_no_finding(tmp_path: Path) -> None:
    path = tmp_path / "file.sql"
    path.write_text("SELECT 1" + " + 1" * 60_000, encoding="utf-8")
    result = CliRunner().invoke(group, ["lint", "--format", "json", str(path)])
    report = json.loads(result.stdout)
    assert report["findings"] == []
    (entry,) = report["summary"]["unjudged"]
    assert entry["reason"] == "nested too deeply to be read"
