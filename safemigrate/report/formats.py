"""The formats of `lint`, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from safemigrate.model import LintResult, Timeline
from safemigrate.report.documents import encode_document, lint_document
from safemigrate.report.findings import format_findings
from safemigrate.report.github import format_github
from safemigrate.report.gitlab import format_gitlab
from safemigrate.report.junit import format_junit
from safemigrate.report.markdown import format_markdown
from safemigrate.report.sarif import format_sarif
from safemigrate.report.tone import Paint, leave_plain

__all__ = ["LINT_FORMATS", "Judgement", "format_lint"]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What there is to report.

    `timeline`: the one judged. `paths`: the `Migration.path` of what was asked for; None means
    all of it.
    """

    result: LintResult
    timeline: Timeline
    paths: frozenset[str] | None = None


_FORMATS: Mapping[str, Callable[[Judgement, Paint], str]] = {
    "text": lambda judged, paint: format_findings(judged.result, judged.timeline, paint),
    "json": lambda judged, _: encode_document(lint_document(judged.result)),
    "sarif": lambda judged, _: format_sarif(judged.result, judged.timeline),
    "junit": lambda judged, _: format_junit(judged.result, judged.timeline, paths=judged.paths),
    "github": lambda judged, _: format_github(judged.result),
    "gitlab": lambda judged, _: format_gitlab(judged.result, judged.timeline),
    "markdown": lambda judged, _: format_markdown(judged.result, judged.timeline),
}

LINT_FORMATS = tuple(_FORMATS)
"""What `lint --format` takes, the default first."""


def format_lint(name: str, judgement: Judgement, paint: Paint = leave_plain) -> str:
    """Return the report in one of `LINT_FORMATS`; only text is painted.

    Only text and Markdown tell the notices to the reader; SARIF has them for the program that
    shows it.
    """
    return _FORMATS[name](judgement, paint)
