"""What `lint` found, as JUnit XML: a suite a migration, a case a finding.

An error fails its case. A warning or an info does not, because it does not fail the command
either: its case passes, and says so on its standard output. What could not be judged is skipped,
as a test is that could not run. A migration without any of these is one case that passes.
"""

from xml.etree import ElementTree as ET

from safemigrate.model import Finding, LintResult, Severity, Timeline, Unjudged
from safemigrate.report.excerpt import one_line
from safemigrate.report.findings import list_findings
from safemigrate.report.junit_xml import clean, format_suites, make_case
from safemigrate.report.order import sort_findings
from safemigrate.report.prose import name_confidence, show_message

__all__ = ["format_junit"]


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
    return format_suites("safemigrate lint", cases)


def _make_finding_case(finding: Finding, text: str) -> ET.Element:
    message = show_message(finding)
    case = make_case(finding.path, f"{finding.rule}: {message}", finding.span.line)
    if finding.severity is not Severity.ERROR:
        ET.SubElement(case, "system-out").text = clean(text)
        return case
    shown = clean(f"{message}{name_confidence(finding)}")
    failure = ET.SubElement(case, "failure", message=shown, type=finding.rule)
    failure.text = clean(text)
    return case


def _make_skipped_case(entry: Unjudged) -> ET.Element:
    reason = one_line(entry.reason)
    case = make_case(entry.path, f"not judged: {reason}", entry.line)
    ET.SubElement(case, "skipped", message=clean(reason))
    return case
