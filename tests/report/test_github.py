from collections.abc import Callable

from safemigrate.model import Finding, LintResult, Severity, Span, Unjudged
from safemigrate.report.github import format_github

MakeFinding = Callable[..., Finding]
MakeResult = Callable[..., LintResult]


def lines_of(result: LintResult) -> list[str]:
    document = format_github(result)
    assert document.endswith("\n")
    return document.removesuffix("\n").split("\n")


def test_a_finding_is_one_line(make_finding: MakeFinding, make_result: MakeResult) -> None:
    command, totals = lines_of(make_result(make_finding(why="because", remedy=None)))
    assert command == (
        "::error file=migrations/versions/4f1c_name_index.py,line=10,endLine=10,col=5,"
        "endColumn=59,title=non-concurrent-index::"
        'building "recipe_name_idx" blocks writes to public.recipe%0Abecause%0A'
        "locks: SHARE on public.recipe%0Ablocks: INSERT, UPDATE, DELETE, MERGE%0A"
        "more: safemigrate rule non-concurrent-index"
    )
    assert totals == "Found 1 error in 1 migration. Judged 2 of 2 statements."


def test_each_severity_has_its_command(make_finding: MakeFinding, make_result: MakeResult) -> None:
    findings = (make_finding(severity=one) for one in Severity)
    *commands, _ = lines_of(make_result(*findings))
    assert [line.split()[0] for line in commands] == ["::error", "::warning", "::notice"]


def test_a_name_cannot_end_its_property_or_the_command(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    finding = make_finding(path="a,title=x::y\r\n::error::z%0A.sql", message="100%\n::error::no")
    command, totals = lines_of(make_result(finding))
    assert command.startswith(
        "::error file=a%2Ctitle=x%3A%3Ay%0D%0A%3A%3Aerror%3A%3Az%250A.sql,line=10,"
    )
    assert "::100%25 ::error::no%0A" in command
    assert totals.startswith("Found")


def test_columns_are_only_told_on_one_line(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    command, _ = lines_of(make_result(make_finding(span=Span(3, 5, 7, 2))))
    assert ",line=3,endLine=7,title=" in command


def test_what_was_not_judged_is_told(make_result: MakeResult) -> None:
    unjudged = (
        Unjudged("a.sql", 3, None, "a DO block: 100%"),
        Unjudged("a.sql", 9, None, "rows of COPY", hides_statements=False),
    )
    assert lines_of(make_result(judged=1, unjudged=unjudged)) == [
        "::warning file=a.sql,line=3,title=not judged::a DO block: 100%25",
        "::notice file=a.sql,line=9,title=not judged::rows of COPY",
        "No findings in 1 migration. Judged 1 of 2 statements: 1 not judged.",
    ]
