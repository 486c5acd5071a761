"""What `lint` found, as SARIF 2.1.0.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from urllib.parse import quote

from msgspec import UNSET

from safemigrate import __version__
from safemigrate.lint import rules as all_rules
from safemigrate.model import Assumption, Finding, LintResult, Severity, Span, Timeline, Unjudged
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.report import sarif_document as doc
from safemigrate.report.documents import encode_document
from safemigrate.report.excerpt import one_line, show_code
from safemigrate.report.fingerprints import fingerprint_findings
from safemigrate.report.order import sort_findings
from safemigrate.report.prose import describe_finding
from safemigrate.report.sources import Sources
from safemigrate.rulekit import Rule

__all__ = ["format_sarif"]

_ROOT = "%SRCROOT%"
_ROOT_IS = "The top of the repository for pull-request, and else where the command ran."
_NOT_JUDGED = "not-judged"

_LEVELS: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "note",
}
_PROBLEMS: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "recommendation",
}


def format_sarif(
    result: LintResult,
    timeline: Timeline,
    *,
    rules: Mapping[str, Rule] | None = None,
    version: str = __version__,
) -> str:
    """Return the log: one run, with the rules that found something.

    Paths are URIs relative to where the command ran, or to the top of the repository. What was not
    judged, and the notices, are notifications of the run's one invocation.
    `rules`: by name; None for those there are. `version`: of the tool.
    """
    known = all_rules() if rules is None else rules
    findings = sort_findings(result.findings)
    names = sorted({finding.rule for finding in findings})
    run = doc.Run(
        tool=doc.Tool(
            doc.Driver(
                name="safemigrate",
                semantic_version=version,
                rules=[_describe_rule(name, known.get(name)) for name in names],
                notifications=[doc.Descriptor(_NOT_JUDGED, doc.Text("What could not be judged."))],
            )
        ),
        invocations=[
            doc.Invocation(
                execution_successful=True, tool_execution_notifications=_list_notifications(result)
            )
        ],
        original_uri_base_ids={_ROOT: doc.ArtifactLocation(description=doc.Text(_ROOT_IS))},
        column_kind="unicodeCodePoints",
        results=_list_results(findings, names, Sources(timeline)),
    )
    return encode_document(doc.Log(runs=[run]))


def _describe_rule(name: str, rule: Rule | None) -> doc.Descriptor:
    if rule is None:
        return doc.Descriptor(name)
    return doc.Descriptor(
        id=name,
        short_description=doc.Text(rule.summary),
        full_description=doc.Text(rule.summary),
        help=doc.Text(rule.page, rule.page),
        default_configuration=doc.Configuration(_LEVELS[rule.severity]),
        properties=doc.RuleProperties([rule.family.value], _PROBLEMS[rule.severity]),
    )


def _list_results(
    findings: Sequence[Finding], names: Sequence[str], sources: Sources
) -> list[doc.Result]:
    index = {name: position for position, name in enumerate(names)}
    fingerprints = fingerprint_findings(findings, sources)
    return [
        doc.Result(
            rule_id=finding.rule,
            rule_index=index[finding.rule],
            level=_LEVELS[finding.severity],
            message=doc.Text(describe_finding(finding)),
            locations=[_locate_finding(finding)],
            partial_fingerprints={"statement/v1": fingerprint},
            properties=_list_properties(finding),
        )
        for finding, fingerprint in zip(findings, fingerprints, strict=True)
    ]


def _locate_finding(finding: Finding) -> doc.Location:
    function = (
        UNSET
        if finding.revision is None
        else [
            doc.LogicalLocation(
                name=finding.direction.value,
                fully_qualified_name=f"{finding.revision}.{finding.direction.value}",
                kind="function",
            )
        ]
    )
    return doc.Location(_locate(finding.path, _mark_region(finding.span)), function)


def _mark_region(span: Span) -> doc.Region:
    return doc.Region(span.line, span.column, span.end_line, span.end_column)


def _locate(path: str, region: doc.Region) -> doc.PhysicalLocation:
    return doc.PhysicalLocation(_refer_to(path), region)


def _refer_to(path: str) -> doc.ArtifactLocation:
    """Return the file as a URI, relative unless the file lies outside where the command ran."""
    pure = PurePath(path)
    if pure.is_absolute():
        return doc.ArtifactLocation(pure.as_uri())
    # the bytes of the name: it may not be UTF-8
    return doc.ArtifactLocation(quote(os.fsencode(pure.as_posix())), _ROOT)


def _list_properties(finding: Finding) -> doc.ResultProperties:
    remedy = finding.remedy
    return doc.ResultProperties(
        confidence=finding.confidence.value,
        revision=finding.revision,
        direction=finding.direction.value,
        sql=hide_sql_passwords(finding.sql),
        locks=[f"{lock.mode.value} on {lock.relation}" for lock in finding.locks],
        blocks=finding.blocks,
        help_sql="" if remedy is None else "\n".join(show_code(remedy.sql)),
        help_alembic="" if remedy is None else "\n".join(show_code(remedy.alembic)),
    )


def _list_notifications(result: LintResult) -> list[doc.Notification]:
    return [
        *map(_notify_of_unjudged, result.unjudged),
        *map(_notify_of_assumption, result.assumptions),
        *(doc.Notification(doc.Text(one_line(notice)), "note") for notice in result.notices),
    ]


def _notify_of_assumption(entry: Assumption) -> doc.Notification:
    return doc.Notification(
        message=doc.Text(f"assumed: {one_line(entry.reason)}"),
        level="note",
        locations=[doc.Location(_locate(entry.path, doc.Region(entry.line)))],
    )


def _notify_of_unjudged(entry: Unjudged) -> doc.Notification:
    return doc.Notification(
        message=doc.Text(one_line(entry.reason)),
        level="warning" if entry.hides_statements else "note",
        locations=[doc.Location(_locate(entry.path, doc.Region(entry.line)))],
        descriptor=doc.DescriptorReference(_NOT_JUDGED),
    )
