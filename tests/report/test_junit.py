from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from safemigrate.model import Finding, LintResult, Severity, Timeline
from safemigrate.report.junit import format_junit
from tests.report.exhibit import CLEAN_PATH, RESULT, REVISION_PATH, TIMELINE, UNREAD_PATH

MakeFinding = Callable[..., Finding]
MakeResult = Callable[..., LintResult]


def parse(document: str) -> ET.Element:
    return ET.fromstring(document.encode())  # noqa: S314 - made by the test itself


def suite_of(path: str) -> ET.Element:
    suites = {suite.attrib["name"]: suite for suite in parse(format_junit(RESULT, TIMELINE))}
    return suites[path]


def test_a_suite_for_each_migration_in_the_order_they_run() -> None:
    names = [suite.attrib["name"] for suite in parse(format_junit(RESULT, TIMELINE))]
    assert names == list(dict.fromkeys(one.migration.path for one in TIMELINE.passages))


def test_a_clean_migration_is_one_case_that_passes() -> None:
    (case,) = suite_of(CLEAN_PATH)
    assert case.attrib["name"] == "no findings"
    assert list(case) == []


def test_only_errors_fail() -> None:
    kinds = [[child.tag for child in case] for case in suite_of(REVISION_PATH)]
    assert kinds == [["failure"], ["system-out"], ["system-out"], ["system-out"], ["skipped"]]


def test_what_was_not_judged_is_skipped() -> None:
    reasons = [case[0].attrib["message"] for case in suite_of(UNREAD_PATH)]
    assert reasons == ["the SQL is made when it runs: format('DROP TABLE %I')", "rows of COPY"]


def test_the_counts_are_those_of_the_cases() -> None:
    root = parse(format_junit(RESULT, TIMELINE))
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        assert element.attrib["tests"] == str(len(cases))
        for tag, key in (("failure", "failures"), ("skipped", "skipped"), ("error", "errors")):
            assert element.attrib[key] == str(len(list(element.iter(tag))))


def test_cases_of_a_suite_have_different_names() -> None:
    for suite in parse(format_junit(RESULT, TIMELINE)):
        names = [case.attrib["name"] for case in suite]
        assert len(set(names)) == len(names)


def test_only_what_was_asked_for_has_a_suite(make_result: MakeResult) -> None:
    document = format_junit(make_result(), TIMELINE, paths=frozenset({CLEAN_PATH}))
    assert [suite.attrib["name"] for suite in parse(document)] == [CLEAN_PATH]


def test_a_finding_outside_the_timeline_is_not_lost(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    (suite,) = parse(format_junit(make_result(make_finding(path="x.sql")), Timeline(())))
    assert suite.attrib["name"] == "x.sql"
    assert suite.attrib["failures"] == "1"


@pytest.mark.parametrize("severity", list(Severity))
@pytest.mark.parametrize("odd", ["\0", "\x1b", "\x0c", "\ufffe", "\uffff", "\udcff"])
def test_what_xml_forbids_is_replaced(
    odd: str, severity: Severity, make_finding: MakeFinding, make_result: MakeResult
) -> None:
    finding = make_finding(
        severity=severity,
        message=f"a{odd}b <&>",
        path=f"c{odd}d.sql",
        sql=f"SELECT '{odd}'",
        why=f"e{odd}f",
    )
    (suite,) = parse(format_junit(make_result(finding), Timeline(())))
    assert suite.attrib["name"] == "c�d.sql"
    assert suite[0].attrib["name"].endswith((": a�b <&>", ": a b <&>"))


def test_a_line_end_in_a_name_stays(make_finding: MakeFinding, make_result: MakeResult) -> None:
    (suite,) = parse(format_junit(make_result(make_finding(path="a\r\nb.sql")), Timeline(())))
    assert suite.attrib["name"] == "a\r\nb.sql"


def test_nothing_judged_is_a_document_without_suites(make_result: MakeResult) -> None:
    root = parse(format_junit(make_result(migrations=0), Timeline(())))
    assert root.attrib["tests"] == "0"
    assert list(root) == []
