"""What `lint` found, as JUnit XML: a suite a migration, a case a finding.

An error fails its case. A warning or an info does not, because it does not fail the command
either: its case passes, and says so on its standard output. What could not be judged is skipped,
as a test is that could not run. A migration without any of these is one case that passes.
"""

import re
from collections import Counter
from xml.etree import ElementTree as ET

from safemigrate.model import Finding, LintResult, Severity, Timeline, Unjudged
from safemigrate.report.excerpt import one_line
from safemigrate.report.findings import list_findings
from safemigrate.report.order import sort_findings
from safemigrate.report.prose import name_confidence, show_message

__all__ = ["format_junit"]

# https://www.w3.org/TR/xml/#charsets
_FORBIDDEN = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def format_junit(
    result: LintResult, timeline: Timeline, *, paths: frozenset[str] | None = None
) -> str:
    """Return the document.

    `paths`: the `Migration.path` of what was judged; None means all of the timeline.
    """
    cases: dict[str, list[ET.Element]] = {}
    for passage in timeline.passages:
        if paths is None or passage.migration.path in paths:
            cases.setdefault(passage.migration.path, [])
    findings = sort_findings(result.findings)
    texts = list_findings(result.findings, timeline)
    for finding, text in zip(findings, texts, strict=True):
        cases.setdefault(finding.path, []).append(_make_finding_case(finding, text))
    for entry in result.unjudged:
        cases.setdefault(entry.path, []).append(_make_skipped_case(entry))
    suites = [_make_suite(path, listed) for path, listed in cases.items()]
    root = ET.Element("testsuites", {"name": "safemigrate lint", **_count_all(suites)})
    root.extend(suites)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _make_suite(path: str, cases: list[ET.Element]) -> ET.Element:
    cases = cases or [_make_case(path, "no findings")]
    _number_names(cases)
    suite = ET.Element("testsuite", {"name": _clean(path), **_count_cases(cases)})
    suite.extend(cases)
    return suite


def _make_finding_case(finding: Finding, text: str) -> ET.Element:
    message = show_message(finding)
    case = _make_case(finding.path, f"{finding.rule}: {message}", finding.span.line)
    if finding.severity is not Severity.ERROR:
        ET.SubElement(case, "system-out").text = _clean(text)
        return case
    shown = _clean(f"{message}{name_confidence(finding)}")
    failure = ET.SubElement(case, "failure", message=shown, type=finding.rule)
    failure.text = _clean(text)
    return case


def _make_skipped_case(entry: Unjudged) -> ET.Element:
    reason = one_line(entry.reason)
    case = _make_case(entry.path, f"not judged: {reason}", entry.line)
    ET.SubElement(case, "skipped", message=_clean(reason))
    return case


def _make_case(path: str, name: str, line: int = 1) -> ET.Element:
    return ET.Element(
        "testcase", classname=_clean(path), name=_clean(name), file=_clean(path), line=str(line)
    )


def _number_names(cases: list[ET.Element]) -> None:
    """Give cases of one name different names: programs take two of a name for one case."""
    seen: Counter[str] = Counter()
    for case in cases:
        name = case.attrib["name"]
        seen[name] += 1
        if seen[name] > 1:
            case.set("name", f"{name} ({seen[name]})")


def _count_cases(cases: list[ET.Element]) -> dict[str, str]:
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": "0",
        "skipped": str(sum(case.find("skipped") is not None for case in cases)),
    }


def _count_all(suites: list[ET.Element]) -> dict[str, str]:
    return {
        key: str(sum(int(suite.attrib[key]) for suite in suites))
        for key in ("tests", "failures", "errors", "skipped")
    }


def _clean(text: str) -> str:
    """Return the text with `�` for the characters that XML forbids."""
    return _FORBIDDEN.sub("�", text)
