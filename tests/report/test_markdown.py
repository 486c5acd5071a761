import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from safemigrate.model import (
    ExplainedStatement,
    Facts,
    Finding,
    LintResult,
    Lock,
    LockMode,
    QualifiedName,
    Remedy,
    Severity,
    Timeline,
    Unjudged,
)
from safemigrate.report.excerpt import one_line
from safemigrate.report.markdown import format_markdown
from safemigrate.report.markdown_text import code_span, escape_html, escape_text, fence_code
from tests.report.exhibit import RESULT, SQL_PATH, TIMELINE
from tests.report.readback import read_markdown, show_inline

MakeFinding = Callable[..., Finding]
MakeResult = Callable[..., LintResult]

MARKS = st.text(alphabet=r"""ab1 `|\<>&@#*_~[]()!$-+.:;/"'=ü表""", min_size=1)


def cells_of(document: str) -> list[str]:
    tokens = MarkdownIt("commonmark").enable("table").parse(document)
    return [
        show_inline(token)
        for before, token in pairwise(tokens)
        if before.type in {"td_open", "th_open"}
    ]


@given(MARKS.map(one_line).filter(bool))
def test_text_is_shown_as_it_is(text: str) -> None:
    (_, token, _) = MarkdownIt("commonmark").parse(f"a {escape_text(text)} b")
    assert show_inline(token) == f"a {text} b"


@given(MARKS.map(one_line).filter(bool))
def test_text_in_html_is_shown_as_it_is(text: str) -> None:
    (token,) = MarkdownIt("commonmark").parse(f"<div>{escape_html(text)}</div>")
    assert re.sub(r"<!-- -->", "", token.content) == (
        "<div>" + text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") + "</div>"
    )


@given(MARKS.map(one_line).filter(bool))
def test_code_in_a_cell_is_shown_as_it_is(text: str) -> None:
    cells = cells_of(f"| a | b |\n|---|---|\n| {code_span(text)} | {escape_text('x|y')} |\n")
    assert cells == ["a", "b", text, "x|y"]


@given(st.lists(st.text(alphabet="`~ ab<>\t"), max_size=6))
def test_code_does_not_end_its_fence(lines: list[str]) -> None:
    block = "\n".join(f"  {line}" for line in fence_code("sql", lines))
    tokens = MarkdownIt("commonmark").parse(f"- item\n\n{block}\n\n  end\n")
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert fence.info == "sql"
    assert fence.content == "".join(f"{line}\n" for line in lines)


SHA = "0123456789abcdef0123456789ABCDEF01234567"
# What forges find in what is shown, each of them loosely.
FORGES_FIND = re.compile(
    r"""@\w | \#\d | \bgh-\d | [!&$]\d | %["\w] | ~["\w&?.-] | \*iteration: | \[[a-z_]+:\d
    | :\d*[a-z_+-][\w+-]*: | :(?:100|1234): | [a-z0-9]:// | \bwww\. | [0-9a-f]{7}""",
    re.VERBOSE | re.IGNORECASE,
)
CALLS = [
    *("@team", "#12", "acme/shop#12", "GH-12", "gh-3", "!34", "acme/shop!34", "&12", "$12"),
    *("%12", '%"next one"', "%next", "~bug", '~"a bug"', "^alert#12", "*iteration:12"),
    *("[vulnerability:12]", ":tada:", ":+1:", ":100:", "a:b:c", "'x'::date::text", SHA, SHA[:7]),
    *("https://a.example/b?c=1#d", "s3://a/b", "www.a.example", "a@b.example", f"a@{SHA[:9]}"),
]


def list_shown(escaped: str) -> list[str]:
    """Return what is shown, parted where an element or a comment of HTML stands."""
    (_, token, _) = MarkdownIt("commonmark").parse(f"a {escaped} b")
    parts = [""]
    for child in token.children or []:
        if child.type == "html_inline":
            parts.append("")
        else:
            parts[-1] += child.content
    return parts


@pytest.mark.parametrize("text", CALLS)
def test_a_name_calls_nobody_and_leads_nowhere(text: str) -> None:
    assert FORGES_FIND.search(text)
    for escape in (escape_text, escape_html):
        shown = list_shown(escape(text))
        assert not any(map(FORGES_FIND.search, shown)), shown
        assert "".join(shown) == f"a {text} b"


@given(st.lists(st.sampled_from([*CALLS, *" :-/.,@#0a"]), max_size=6).map("".join))
def test_what_calls_is_found_beside_anything(text: str) -> None:
    shown = list_shown(escape_text(f"{text}."))
    assert not any(map(FORGES_FIND.search, shown)), shown
    assert "".join(shown) == f"a {text}. b"


def test_what_calls_nobody_is_left_as_it_is() -> None:
    for text in (
        'relation "book" does not exist (SQLSTATE 42P01), in: ALTER TABLE public.book',
        "versions/0002.py:10:5: 50% of 123456 rows, a != b, x::text, '12:30', UTF-8, high-5!",
        "a decade of facades: 1 & 2, R&D; who? (see b:c)",
    ):
        assert "<!-- -->" not in escape_text(text)
    assert escape_text("@team #12") == "@<!-- -->team #<!-- -->12"
    # in code no forge looks for anything
    assert code_span(SHA) == f"`{SHA}`"


def test_the_worst_migration_comes_first(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    result = make_result(
        make_finding(path="a.sql", severity=Severity.INFO),
        make_finding(path="b.sql", severity=Severity.WARNING),
        make_finding(path="d.sql"),
        make_finding(path="c.sql"),
        unjudged=(Unjudged("0.sql", 1, None, "a DO block"),),
    )
    document = format_markdown(result, Timeline(()))
    titles = re.findall(r"^### `(.*)`$", document, re.MULTILINE)
    assert titles == ["c.sql", "d.sql", "b.sql", "a.sql", "0.sql"]


def test_the_findings_of_a_migration_stand_by_severity() -> None:
    headings = re.findall(r"^#{3,4} (.*)$", format_markdown(RESULT, TIMELINE), re.MULTILINE)
    begin = headings.index("`migrations/versions/0002_prices.py`")
    assert headings[begin + 1 : begin + 6] == [
        "Errors",
        "Warnings",
        "Infos",
        "Not judged",
        "Locks",
    ]


def test_a_table_shows_the_locks_on_what_was_there_before() -> None:
    cells = cells_of(format_markdown(RESULT, TIMELINE))
    rows = [cells[at : at + 5] for at in range(0, len(cells), 5)]
    assert ["8", "upgrade", "SHARE", "public.book", "INSERT, UPDATE, DELETE, MERGE"] in rows
    assert [row[1] for row in rows].count("downgrade") == 1
    assert len(rows) == 2 + 3 + 3


def test_a_new_relation_has_no_row(make_finding: MakeFinding, make_result: MakeResult) -> None:
    clean = TIMELINE.passages[0]
    document = format_markdown(make_result(make_finding(path=clean.migration.path)), TIMELINE)
    assert cells_of(document) == []


def test_a_long_table_is_cut_and_says_so(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    passage = TIMELINE.passages[1]
    lock = Lock(QualifiedName("public", "t"), LockMode.SHARE)
    statement = ExplainedStatement(passage.statements[0].statement, (), Facts(locks=(lock,)))
    timeline = Timeline((replace(passage, statements=(statement,) * 35),))
    document = format_markdown(make_result(make_finding(path=passage.migration.path)), timeline)
    assert len(cells_of(document)) == 5 * (1 + 30)
    assert "\nAnd 5 locks more.\n" in document


def test_code_to_paste_is_folded(make_finding: MakeFinding, make_result: MakeResult) -> None:
    remedy = Remedy("do <so>", sql="SELECT 1;\n\nSELECT 2;")
    document = format_markdown(make_result(make_finding(remedy=remedy)), Timeline(()))
    assert (
        "  <details>\n  <summary>Help: do &lt;so&gt;</summary>\n\n"
        "  ```sql\n  SELECT 1;\n\n  SELECT 2;\n  ```\n\n  </details>\n" in document
    )


def test_advice_without_code_is_not_folded(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    document = format_markdown(make_result(make_finding(remedy=Remedy("do so"))), Timeline(()))
    assert "\n  Help: do so\n" in document
    assert "<details>" not in document


def test_no_finding_is_said(make_result: MakeResult) -> None:
    assert format_markdown(make_result(), Timeline(())) == (
        "<!-- safemigrate lint -->\n## safemigrate: no findings\n\n"
        "No findings in 1 migration. Judged 2 of 2 statements.\n"
    )


def utf_16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_without_room_code_and_locks_go_first() -> None:
    full = format_markdown(RESULT, TIMELINE)
    brief = format_markdown(RESULT, TIMELINE, limit=utf_16(full) - 1)
    assert len(brief) < len(full)
    assert sorted(read_markdown(brief)) == sorted(read_markdown(full))
    assert "<details>" not in brief
    assert "| lock |" not in brief
    assert brief.endswith(
        "The code to paste and the locks are left out here: there was no room for them.\n"
    )


@pytest.mark.parametrize("limit", [700, 1000, 1300])
def test_with_less_room_the_last_entries_go_and_are_counted(limit: int) -> None:
    document = format_markdown(RESULT, TIMELINE, limit=limit)
    assert utf_16(document) <= limit
    found = re.search(r"there was no room for (\d+) of 11 entries; ", document)
    assert found is not None
    shown = len(re.findall(r"^- ", document, re.MULTILINE))
    assert shown + int(found[1]) == 11
    first = [one.path for one in read_markdown(document)][:4]
    assert set(first) == {SQL_PATH}


def test_a_report_of_any_size_fits_a_comment(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    findings = (make_finding(path=f"{number}.sql", message="🙂" * 50) for number in range(3000))
    document = format_markdown(make_result(*findings), Timeline(()))
    assert 65_000 < utf_16(document) <= 65_536
    assert "of 3000 entries" in document
