"""The formats of `lint`, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module

from safemigrate.model import LintResult, Timeline
from safemigrate.report.findings import format_findings
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


def _late(module: str, function: str) -> Callable[..., str]:
    """Return the function of a module of this package that is imported when it is called.

    A run writes one format, most of them text.
    """

    def call(*values: object, **named: object) -> str:
        found: Callable[..., str] = getattr(import_module(f"{__package__}.{module}"), function)
        return found(*values, **named)

    return call


_json = _late("documents", "encode_lint")
_sarif = _late("sarif", "format_sarif")
_junit = _late("junit", "format_junit")
_github = _late("github", "format_github")
_gitlab = _late("gitlab", "format_gitlab")
_markdown = _late("markdown", "format_markdown")

_FORMATS: Mapping[str, Callable[[Judgement, Paint], str]] = {
    "text": lambda judged, paint: format_findings(judged.result, judged.timeline, paint),
    "json": lambda judged, _: _json(judged.result),
    "sarif": lambda judged, _: _sarif(judged.result, judged.timeline),
    "junit": lambda judged, _: _junit(judged.result, judged.timeline, paths=judged.paths),
    "github": lambda judged, _: _github(judged.result),
    "gitlab": lambda judged, _: _gitlab(judged.result, judged.timeline),
    "markdown": lambda judged, _: _markdown(judged.result, judged.timeline),
}

LINT_FORMATS = tuple(_FORMATS)
"""What `lint --format` takes, the default first."""


def format_lint(name: str, judgement: Judgement, paint: Paint = leave_plain) -> str:
    """Return the report in one of `LINT_FORMATS`; only text is painted.

    Only text and Markdown tell the notices to the reader; SARIF has them for the program that
    shows it.
    """
    return _FORMATS[name](judgement, paint)
