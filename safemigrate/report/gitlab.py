"""What `lint` found, as a code quality report of GitLab.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from safemigrate.model import LintResult, Severity, Timeline
from safemigrate.report.documents import encode_document
from safemigrate.report.excerpt import one_line
from safemigrate.report.fingerprints import fingerprint_findings, fingerprint_unjudged
from safemigrate.report.order import sort_findings
from safemigrate.report.prose import name_confidence, show_message
from safemigrate.report.sources import Sources

__all__ = ["format_gitlab"]

_SEVERITIES: Mapping[Severity, str] = {
    Severity.ERROR: "critical",
    Severity.WARNING: "major",
    Severity.INFO: "info",
}


class _Lines(Struct, frozen=True):
    begin: int
    end: int


class _Location(Struct, frozen=True):
    path: str
    lines: _Lines


class _Issue(Struct, frozen=True):
    description: str
    check_name: str
    fingerprint: str
    severity: str
    location: _Location


def format_gitlab(result: LintResult, timeline: Timeline) -> str:
    """Return the report; what was not judged has the check name `not-judged`."""
    return encode_document((*_list_findings(result, timeline), *_list_unjudged(result)))


def _list_findings(result: LintResult, timeline: Timeline) -> Iterator[_Issue]:
    findings = sort_findings(result.findings)
    fingerprints = fingerprint_findings(findings, Sources(timeline))
    for finding, fingerprint in zip(findings, fingerprints, strict=True):
        yield _Issue(
            description=f"{show_message(finding)}{name_confidence(finding)}",
            check_name=finding.rule,
            fingerprint=fingerprint,
            severity=_SEVERITIES[finding.severity],
            location=_Location(finding.path, _Lines(finding.span.line, finding.span.end_line)),
        )


def _list_unjudged(result: LintResult) -> Iterator[_Issue]:
    fingerprints = fingerprint_unjudged(result.unjudged)
    for entry, fingerprint in zip(result.unjudged, fingerprints, strict=True):
        yield _Issue(
            description=f"not judged: {one_line(entry.reason)}",
            check_name="not-judged",
            fingerprint=fingerprint,
            severity="minor" if entry.hides_statements else "info",
            location=_Location(entry.path, _Lines(entry.line, entry.line)),
        )
