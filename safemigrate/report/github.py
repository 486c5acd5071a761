"""What `lint` found, as annotations of GitHub Actions.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Mapping

from safemigrate.model import Finding, LintResult, Severity, Unjudged
from safemigrate.report.excerpt import one_line
from safemigrate.report.findings import format_totals
from safemigrate.report.order import sort_findings
from safemigrate.report.prose import describe_finding

__all__ = ["format_annotation", "format_github"]

_COMMANDS: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "notice",
}

# The order matters: what is put in must not be escaped again.
_IN_DATA = (("%", "%25"), ("\r", "%0D"), ("\n", "%0A"))
_IN_PROPERTY = (*_IN_DATA, (":", "%3A"), (",", "%2C"))


def format_github(result: LintResult) -> str:
    """Return one command a line for each finding and each place not judged, the totals last.

    The totals are no command: they stand in the log only.
    """
    lines = [
        *map(_annotate_finding, sort_findings(result.findings)),
        *map(_annotate_unjudged, result.unjudged),
        format_totals(result),
    ]
    return "".join(f"{line}\n" for line in lines)


def _annotate_finding(finding: Finding) -> str:
    return format_annotation(
        _COMMANDS[finding.severity],
        {"file": finding.path, **_list_place(finding), "title": finding.rule},
        describe_finding(finding),
    )


def _list_place(finding: Finding) -> dict[str, str]:
    """Return lines and columns; columns only on one line, or GitHub drops them with a warning."""
    span = finding.span
    place = {"line": str(span.line), "endLine": str(span.end_line)}
    if span.line == span.end_line:
        place |= {"col": str(span.column), "endColumn": str(span.end_column)}
    return place


def _annotate_unjudged(entry: Unjudged) -> str:
    return format_annotation(
        "warning" if entry.hides_statements else "notice",
        {"file": entry.path, "line": str(entry.line), "title": "not judged"},
        one_line(entry.reason),
    )


def format_annotation(name: str, properties: Mapping[str, str], data: str) -> str:
    """Return the command that annotates a line: `error`, `warning` or `notice`."""
    listed = ",".join(f"{key}={_escape(text, _IN_PROPERTY)}" for key, text in properties.items())
    return f"::{name} {listed}::{_escape(data, _IN_DATA)}"


def _escape(text: str, replacements: tuple[tuple[str, str], ...]) -> str:
    for character, escape in replacements:
        text = text.replace(character, escape)
    return text
