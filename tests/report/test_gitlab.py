import json
from collections.abc import Callable

from safemigrate.model import Confidence, Finding, LintResult, Severity, Timeline
from safemigrate.report.gitlab import format_gitlab
from tests.report.exhibit import RESULT, TIMELINE

MakeFinding = Callable[..., Finding]
MakeResult = Callable[..., LintResult]


def test_a_finding_has_exactly_what_gitlab_reads(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    (issue,) = json.loads(format_gitlab(make_result(make_finding()), Timeline(())))
    assert len(issue.pop("fingerprint")) == 64
    assert issue == {
        "description": 'building "recipe_name_idx" blocks writes to public.recipe',
        "check_name": "non-concurrent-index",
        "severity": "critical",
        "location": {
            "path": "migrations/versions/4f1c_name_index.py",
            "lines": {"begin": 10, "end": 10},
        },
    }


def test_each_severity_has_its_own(make_finding: MakeFinding, make_result: MakeResult) -> None:
    findings = (make_finding(severity=one) for one in Severity)
    issues = json.loads(format_gitlab(make_result(*findings), Timeline(())))
    assert [issue["severity"] for issue in issues] == ["critical", "major", "info"]


def test_a_confidence_below_high_is_told(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    finding = make_finding(confidence=Confidence.LOW)
    (issue,) = json.loads(format_gitlab(make_result(finding), Timeline(())))
    assert issue["description"].endswith(" (low confidence)")


def test_what_was_not_judged_is_an_issue() -> None:
    issues = json.loads(format_gitlab(RESULT, TIMELINE))
    told = [
        (one["severity"], one["location"]["lines"]["begin"], one["description"])
        for one in issues
        if one["check_name"] == "not-judged"
    ]
    assert told == [
        ("minor", 14, "not judged: calls what is not read: tidy_up()"),
        ("minor", 1, "not judged: the SQL is made when it runs: format('DROP TABLE %I')"),
        ("info", 2, "not judged: rows of COPY"),
    ]


def test_fingerprints_are_unique() -> None:
    issues = json.loads(format_gitlab(RESULT, TIMELINE))
    assert len({one["fingerprint"] for one in issues}) == len(issues) == 11


def test_no_finding_is_an_empty_list(make_result: MakeResult) -> None:
    assert json.loads(format_gitlab(make_result(), Timeline(()))) == []
