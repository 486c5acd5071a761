"""What `lint` found, as Markdown for a comment on a pull request."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from safemigrate.model import (
    Assumption,
    Finding,
    LintResult,
    Passage,
    Severity,
    Timeline,
    Unjudged,
    blocked_commands,
)
from safemigrate.report.excerpt import hide_controls, one_line
from safemigrate.report.findings import count_findings, format_totals
from safemigrate.report.markdown_text import code_span, escape_html, escape_text, fence_code
from safemigrate.report.order import sort_findings
from safemigrate.report.prose import choose_code, name_confidence, show_message
from safemigrate.report.wording import count

__all__ = ["format_markdown"]

# The most characters that GitHub takes in a comment; it counts in UTF-16.
_LIMIT = 65_536
# By this a script finds the comment that it wrote before.
_MARK = "<!-- safemigrate lint -->"
_MOST_LOCKS = 30

_HEADINGS = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Infos"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """Something to report; `details` are what may be left out to save room."""

    heading: str
    line: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Section:
    """One migration; `locks` is the table of its locks, or empty."""

    title: str
    entries: tuple[_Entry, ...]
    locks: tuple[str, ...]


def format_markdown(result: LintResult, timeline: Timeline, *, limit: int = _LIMIT) -> str:
    """Return the comment, at most `limit` characters long in UTF-16.

    Migrations with errors come first. Where there is no room for all of it, code and locks are
    left out first, then what comes last, and the comment says so.
    """
    found = count_findings(result) or "no findings"
    head = [f"{_MARK}\n## safemigrate: {found}", escape_text(format_totals(result))]
    sections = _list_sections(result, timeline)
    notices = [f"- {escape_text(one_line(notice))}" for notice in result.notices]
    tail = ["#### Notes", *notices] if notices else []
    full = _join([*head, *_list_blocks(sections, is_full=True), *tail])
    if _measure(full) <= limit:
        return full
    note = "The code to paste and the locks are left out here: there was no room for them."
    brief = _join([*head, *_list_blocks(sections, is_full=False), *tail, note])
    if _measure(brief) <= limit:
        return brief
    return _cut(_join(head), list(_list_blocks(sections, is_full=False)), limit)


def _list_sections(result: LintResult, timeline: Timeline) -> list[_Section]:
    """Return what there is to say, the worst migration first."""
    findings: dict[str, list[Finding]] = {}
    for finding in sort_findings(result.findings):
        findings.setdefault(finding.path, []).append(finding)
    unjudged: dict[str, list[Unjudged]] = {}
    for entry in result.unjudged:
        unjudged.setdefault(entry.path, []).append(entry)
    assumed: dict[str, list[Assumption]] = {}
    for assumption in result.assumptions:
        assumed.setdefault(assumption.path, []).append(assumption)
    passages: dict[str, list[Passage]] = {}
    for passage in timeline.passages:
        passages.setdefault(passage.migration.path, []).append(passage)
    order = list(Severity)
    ranked = {
        path: min(
            (order.index(each.severity) for each in findings.get(path, ())), default=len(order)
        )
        for path in (*findings, *unjudged, *assumed)
    }
    return [
        _Section(
            title=f"### {code_span(hide_controls(path))}",
            entries=(
                *_list_findings(findings.get(path, [])),
                *map(_describe_unjudged, unjudged.get(path, ())),
                *map(_describe_assumption, assumed.get(path, ())),
            ),
            locks=tuple(_tabulate_locks(passages.get(path, ()))),
        )
        for path in sorted(ranked, key=lambda path: (ranked[path], path))
    ]


def _list_findings(findings: Sequence[Finding]) -> Iterator[_Entry]:
    """Yield the findings of a migration, errors first."""
    for severity, heading in _HEADINGS.items():
        for finding in findings:
            if finding.severity is severity:
                message = escape_text(f"{show_message(finding)}{name_confidence(finding)}")
                yield _Entry(
                    heading=f"#### {heading}",
                    line=f"- {code_span(finding.rule)} at line {finding.span.line}: {message}",
                    details=tuple(_list_details(finding)),
                )


def _list_details(finding: Finding) -> Iterator[str]:
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
    block = ["<details>", f"<summary>Help: {escape_html(advice)}</summary>", ""]
    block += [*fence_code(language, code), "", "</details>"]
    yield ""
    yield from (f"  {line}".rstrip() for line in block)


def _describe_unjudged(entry: Unjudged) -> _Entry:
    reason = escape_text(one_line(entry.reason))
    return _Entry("#### Not judged", f"- line {entry.line}: {reason}")


def _describe_assumption(entry: Assumption) -> _Entry:
    reason = escape_text(one_line(entry.reason))
    return _Entry("#### Assumed", f"- line {entry.line}: {reason}")


def _tabulate_locks(passages: Iterable[Passage]) -> Iterator[str]:
    """Yield a table of the locks on what was there before the migration."""
    rows = [
        f"| {statement.statement.span.line} | {passage.direction.value} | {lock.mode.value} "
        f"| {code_span(one_line(str(lock.relation)))} "
        f"| {', '.join(blocked_commands(lock.mode)) or 'nothing'} |"
        for passage in passages
        for statement in passage.statements
        for lock in statement.facts.locks
        if lock.is_preexisting
    ]
    if not rows:
        return
    yield from ("| line | in | lock | on | waiting meanwhile |", "|---:|---|---|---|---|")
    yield from rows[:_MOST_LOCKS]
    if len(rows) > _MOST_LOCKS:
        yield from ("", f"And {count(len(rows) - _MOST_LOCKS, 'lock')} more.")


def _list_blocks(sections: Iterable[_Section], *, is_full: bool) -> Iterator[str]:
    """Yield what blank lines stand between; an entry has the headings that it is the first of."""
    for section in sections:
        block, heading = [section.title], ""
        for entry in section.entries:
            if entry.heading != heading:
                block.append(entry.heading)
            block.append("\n".join([entry.line, *(entry.details if is_full else ())]))
            yield "\n\n".join(block)
            block, heading = [], entry.heading
        if is_full and section.locks:
            yield "\n".join(["#### Locks", "", *section.locks])


def _cut(head: str, blocks: list[str], limit: int) -> str:
    """Return as many entries as there is room for, and a note of how many are missing."""
    note = (
        "\nThis is not all: there was no room for {} of {} entries; "
        "the text report of `safemigrate lint` has them, and the code to paste.\n"
    )
    room = limit - _measure(head) - _measure(note.format(len(blocks), len(blocks)))
    shown = []
    for block in blocks:
        room -= _measure(block) + len("\n\n")
        if room < 0:
            break
        shown.append(f"\n{block}\n")
    return "".join([head, *shown, note.format(len(blocks) - len(shown), len(blocks))])


def _join(blocks: Iterable[str]) -> str:
    return "\n\n".join(blocks) + "\n"


def _measure(text: str) -> int:
    """Return the length in UTF-16."""
    return len(text.encode("utf-16-le")) // 2
