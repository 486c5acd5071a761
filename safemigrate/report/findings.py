"""What `lint` found, as text."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from textwrap import wrap

from safemigrate.model import Assumption, Finding, LintResult, Severity, Timeline, Unjudged
from safemigrate.report.excerpt import cut_line, hide_controls, mark_span, one_line
from safemigrate.report.order import sort_findings
from safemigrate.report.prose import choose_code, format_locks, name_confidence, show_message
from safemigrate.report.sources import Sources
from safemigrate.report.tone import Paint, Tone, leave_plain
from safemigrate.report.wording import count, enumerate_words

__all__ = [
    "count_findings",
    "format_assumptions",
    "format_findings",
    "format_judged",
    "format_totals",
    "format_unjudged",
    "list_findings",
]

_WIDTH = 100

_TONES: Mapping[Severity, Tone] = {
    Severity.ERROR: Tone.ERROR,
    Severity.WARNING: Tone.WARNING,
    Severity.INFO: Tone.INFO,
}


def format_findings(result: LintResult, timeline: Timeline, paint: Paint = leave_plain) -> str:
    """Return the whole report, findings first and the totals in the last line.

    `timeline` is the one judged: excerpts are taken from it.
    """
    blocks = [*list_findings(result.findings, timeline, paint)]
    notes = [f"{paint('note', Tone.INFO)}: {one_line(notice)}" for notice in result.notices]
    if notes:
        blocks.append("\n".join(notes))
    if result.assumptions:
        blocks.append("\n".join(format_assumptions(result.assumptions, paint)))
    if result.unjudged:
        blocks.append("\n".join(format_unjudged(result.unjudged, paint)))
    blocks.append(format_totals(result, paint))
    return "\n\n".join(blocks) + "\n"


def list_findings(
    findings: tuple[Finding, ...], timeline: Timeline, paint: Paint = leave_plain
) -> Iterator[str]:
    """Yield one block of text a finding, by path and line."""
    sources = Sources(timeline)
    for finding in sort_findings(findings):
        yield "\n".join(_format_finding(finding, sources, paint))


def format_unjudged(unjudged: tuple[Unjudged, ...], paint: Paint = leave_plain) -> Iterator[str]:
    """Yield one line for each thing that could not be judged."""
    for entry in unjudged:
        yield (
            f"{paint('not judged', Tone.WARNING)}: {hide_controls(entry.path)}:{entry.line}: "
            f"{one_line(entry.reason)}"
        )


def format_assumptions(
    assumptions: tuple[Assumption, ...], paint: Paint = leave_plain
) -> Iterator[str]:
    """Yield one line for each place behind which the recording had to assume something."""
    for entry in assumptions:
        yield (
            f"{paint('assumed', Tone.INFO)}: {hide_controls(entry.path)}:{entry.line}: "
            f"{one_line(entry.reason)}"
        )


def _format_finding(finding: Finding, sources: Sources, paint: Paint) -> Iterator[str]:
    """Yield the lines of one finding."""
    severity = finding.severity
    head = paint(f"{severity.value}[{finding.rule}]", _TONES[severity])
    message = paint(show_message(finding), Tone.STRONG)
    yield f"{head}{name_confidence(finding)}: {message}"
    gutter = " " * len(str(finding.span.line))
    place = f"{hide_controls(finding.path)}:{finding.span.line}:{finding.span.column}"
    position = sources.describe_position(finding)
    yield f"{gutter}{paint('-->', Tone.FRAME)} {place}   {position}".rstrip()
    bar = paint("|", Tone.FRAME)
    excerpt = mark_span(sources.lines(finding.path), finding.span)
    if excerpt is not None:
        yield f"{gutter} {bar}"
        yield f"{paint(str(finding.span.line), Tone.FRAME)} {bar} {excerpt.line}".rstrip()
        yield f"{gutter} {bar} {paint(excerpt.marks, _TONES[severity])}"
    for name, text in _list_details(finding):
        yield from _format_detail(gutter, name, text, paint)
    yield from _format_remedy(finding, gutter, paint)
    more = finding.page or f"safemigrate rule {finding.rule}"
    yield from _format_detail(gutter, "more", more, paint)


def _list_details(finding: Finding) -> Iterator[tuple[str, str]]:
    """Yield what is known about the statement, with its name."""
    # What is not of the rule book is about what is written, which the excerpt shows.
    if finding.sql and finding.revision is not None and not finding.page:
        yield "sql", finding.sql
    if finding.helper:
        yield "sent by", hide_controls(finding.helper)
    if finding.locks:
        yield "locks", one_line(format_locks(finding.locks))
    if finding.blocks:
        yield "blocks", ", ".join(finding.blocks)
    if finding.why:
        yield "why", one_line(finding.why)


def _format_detail(gutter: str, name: str, text: str, paint: Paint) -> Iterator[str]:
    """Yield `= name: text`, wrapped under its own beginning."""
    lead = f"{gutter} {paint('=', Tone.FRAME)} {name}: "
    indent = " " * len(f"{gutter} = {name}: ")
    width = _WIDTH - len(indent)
    # SQL is cut, never wrapped: a line of it can be copied.
    lines = [cut_line(text, width)] if name == "sql" else _wrap(text, width)
    for position, line in enumerate(lines):
        yield (lead if position == 0 else indent) + line


@lru_cache(maxsize=1024)
def _wrap(text: str, width: int) -> list[str]:
    # What is said about one statement is said about many.
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _format_remedy(finding: Finding, gutter: str, paint: Paint) -> Iterator[str]:
    """Yield the advice and the code, Alembic's for a revision, SQL for a SQL file."""
    if finding.remedy is None:
        return
    yield f"{paint('help', Tone.HELP)}: {one_line(finding.remedy.advice)}"
    for line in choose_code(finding)[1]:
        yield f"{gutter} {paint('|', Tone.FRAME)}     {line}".rstrip()


def format_totals(result: LintResult, paint: Paint = leave_plain) -> str:
    """Return the last line."""
    found = count_findings(result, paint)
    where = f"in {count(result.migrations, 'migration')}"
    hidden = [f"{result.suppressed} suppressed"] if result.suppressed else []
    hidden += [f"{result.baselined} in the baseline"] if result.baselined else []
    left_out = f" ({', '.join(hidden)})" if hidden else ""
    found = f"Found {found}" if found else paint("No findings", Tone.GOOD)
    judged = format_judged(result.judged, result.statements, result.unjudged)
    assumed = len({entry.path for entry in result.assumptions})
    basis = f" {count(assumed, 'migration')} judged by assumption." if assumed else ""
    return f"{found} {where}{left_out}. {judged}{basis}"


def count_findings(result: LintResult, paint: Paint = leave_plain) -> str:
    """Return `2 errors and 1 warning`, empty when there is no finding."""
    counted = [
        paint(count(number, severity.value), _TONES[severity])
        for severity in Severity
        if (number := result.count(severity))
    ]
    return enumerate_words(counted)


def format_judged(judged: int, statements: int, unjudged: tuple[Unjudged, ...]) -> str:
    """Return the sentence that counts what was not judged.

    A statement that was not understood counts as a statement; a revision that could not be
    recorded to its end has no number of statements, so it is counted by itself.
    """
    sentence = f"Judged {judged} of {count(statements, 'statement')}"
    missed = statements - judged
    places = sum(entry.hides_statements for entry in unjudged) - missed
    rest = [f"{missed} not judged"] if missed else []
    if places > 0:
        rest.append(f"{count(places, 'place')} where statements may be missing")
    return f"{sentence}: {', '.join(rest)}." if rest else f"{sentence}."
