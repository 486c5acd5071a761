"""What `lint` found, as Markdown for a comment on a pull request."""

from collections.abc import Iterable, Iterator
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
from safemigrate.report.markdown_entries import Entry, list_entries, write_entries
from safemigrate.report.markdown_text import (
    COMMENT_LIMIT,
    code_span,
    escape_text,
    measure,
)
from safemigrate.report.order import sort_findings
from safemigrate.report.wording import count

__all__ = ["format_markdown"]

# By this a script finds the comment that it wrote before.
_MARK = "<!-- safemigrate lint -->"
_MOST_LOCKS = 30


@dataclass(frozen=True, slots=True)
class _Section:
    """One migration; `locks` is the table of its locks, or empty."""

    title: str
    entries: tuple[Entry, ...]
    locks: tuple[str, ...]


def format_markdown(result: LintResult, timeline: Timeline, *, limit: int = COMMENT_LIMIT) -> str:
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
    if measure(full) <= limit:
        return full
    note = "The code to paste and the locks are left out here: there was no room for them."
    brief = _join([*head, *_list_blocks(sections, is_full=False), *tail, note])
    if measure(brief) <= limit:
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
            entries=tuple(
                list_entries(findings.get(path, []), unjudged.get(path, ()), assumed.get(path, ()))
            ),
            locks=tuple(_tabulate_locks(passages.get(path, ()))),
        )
        for path in sorted(ranked, key=lambda path: (ranked[path], path))
    ]


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
    """Yield what blank lines stand between; the first of a section has its title."""
    for section in sections:
        title = f"{section.title}\n\n"
        for block in write_entries(section.entries, is_full=is_full):
            yield f"{title}{block}"
            title = ""
        if is_full and section.locks:
            yield "\n".join(["#### Locks", "", *section.locks])


def _cut(head: str, blocks: list[str], limit: int) -> str:
    """Return as many entries as there is room for, and a note of how many are missing."""
    note = (
        "\nThis is not all: there was no room for {} of {} entries; "
        "the text report of `safemigrate lint` has them, and the code to paste.\n"
    )
    room = limit - measure(head) - measure(note.format(len(blocks), len(blocks)))
    shown = []
    for block in blocks:
        room -= measure(block) + len("\n\n")
        if room < 0:
            break
        shown.append(f"\n{block}\n")
    return "".join([head, *shown, note.format(len(blocks) - len(shown), len(blocks))])


def _join(blocks: Iterable[str]) -> str:
    return "\n\n".join(blocks) + "\n"
