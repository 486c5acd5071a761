"""What there is to say of a migration, as points of a list in Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from safemigrate.model import Assumption, Finding, Severity, Unjudged
from safemigrate.report.excerpt import one_line
from safemigrate.report.markdown_text import code_span, escape_html, escape_text, fence_code
from safemigrate.report.prose import choose_code, name_confidence, show_message

__all__ = ["Entry", "list_entries", "write_entries"]

_HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Infos"}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to report; `details` are what may be left out to save room."""

    heading: str
    line: str
    details: tuple[str, ...] = ()


def list_entries(
    findings: Sequence[Finding],
    unjudged: Iterable[Unjudged] = (),
    assumptions: Iterable[Assumption] = (),
    *,
    shown_lines: int = 0,
) -> Iterator[Entry]:
    """Yield the findings of a migration, errors first, then what was not judged, or assumed.

    Code to paste that is longer than `shown_lines` is folded.
    """
    for severity, heading in _HEADINGS.items():
        for finding in findings:
            if finding.severity is severity:
                message = escape_text(f"{show_message(finding)}{name_confidence(finding)}")
                yield Entry(
                    heading=heading,
                    line=f"- {code_span(finding.rule)} at line {finding.span.line}: {message}",
                    details=tuple(_list_details(finding, shown_lines)),
                )
    for heading, places in (("Not judged", unjudged), ("Assumed", assumptions)):
        for place in places:
            reason = escape_text(one_line(place.reason))
            yield Entry(heading, f"- line {place.line}: {reason}")


def write_entries(entries: Iterable[Entry], *, is_full: bool = True) -> Iterator[str]:
    """Yield a block an entry, which has the heading that it is the first of."""
    heading = ""
    for entry in entries:
        above = [f"#### {entry.heading}"] if entry.heading != heading else []
        details = entry.details if is_full else ()
        yield "\n\n".join([*above, "\n".join([entry.line, *details])])
        heading = entry.heading


def _list_details(finding: Finding, shown_lines: int) -> Iterator[str]:
    """Yield what stands below a finding, indented to be a part of its point in the list."""
    if finding.why:
        yield from ("", f"  {escape_text(one_line(finding.why))}")
    remedy = finding.remedy
    if remedy is None:
        return
    language, code = choose_code(finding)
    advice = one_line(remedy.advice)
    if not code:
        yield from ("", f"  Help: {escape_text(advice)}")
        return
    fenced = fence_code(language, code)
    if len(code) > shown_lines:
        head = ["<details>", f"<summary>Help: {escape_html(advice)}</summary>", ""]
        block = [*head, *fenced, "", "</details>"]
    else:
        block = [f"Help: {escape_text(advice)}", "", *fenced]
    yield ""
    yield from (f"  {line}".rstrip() for line in block)
