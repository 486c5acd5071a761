"""One revision in the comment on a pull request."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from safemigrate.model import (
    Assumption,
    Direction,
    Finding,
    HistoryProof,
    Outcome,
    Passage,
    RevisionProof,
    Severity,
    Standing,
    Unjudged,
)
from safemigrate.report.comment_locks import find_strongest, tabulate_locks
from safemigrate.report.excerpt import cut_line, hide_controls
from safemigrate.report.formats import Judgement
from safemigrate.report.markdown_entries import list_entries, write_entries
from safemigrate.report.markdown_text import code_span, escape_text
from safemigrate.report.order import sort_findings
from safemigrate.report.proof_markdown import describe_checks
from safemigrate.report.proofs import count_checks, describe_proof
from safemigrate.report.wording import count, enumerate_words

__all__ = ["Part", "list_parts"]

# Code up to this length is shown without being asked for.
_SHOWN_LINES = 12
_LONGEST_MESSAGE = 80
_LONGEST_PATH = 300
_LONGEST_REASON = 500

_BAD, _DOUBTFUL, _GOOD = "❌", "⚠️", "✅"


@dataclass(frozen=True, slots=True)
class Part:
    """A revision, in three lengths.

    `sign`: how it stands. `row`: in the table of all. `title`: alone; `brief`: with what was found,
    in one line each; `full`: with locks, reasons, code and evidence.
    """

    sign: str
    row: str
    title: str
    brief: str
    full: str


@dataclass(slots=True)
class _Gathered:
    """Everything about one revision, being put together."""

    path: str
    passages: list[Passage] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    unjudged: list[Unjudged] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
    proof: RevisionProof | None = None

    @property
    def sign(self) -> str:
        """How it stands."""
        worst = {finding.severity for finding in self.findings}
        proof = self.proof
        is_unloadable = any(entry.is_unloadable for entry in self.unjudged)
        if Severity.ERROR in worst or is_unloadable or (proof is not None and proof.has_failed):
            return _BAD
        is_unsure = any(entry.hides_statements for entry in self.unjudged) or (
            proof is not None and not proof.is_proved
        )
        return _DOUBTFUL if is_unsure or Severity.WARNING in worst else _GOOD

    @property
    def name(self) -> str:
        """How it is called, in Markdown."""
        for passage in self.passages:
            one = passage.migration
            if one.revision is not None:
                message = escape_text(cut_line(one.message, _LONGEST_MESSAGE))
                return f"{code_span(cut_line(one.revision))} {message}".rstrip().rstrip(".")
        if self.proof is not None:
            return code_span(cut_line(self.proof.revision))
        return code_span(cut_line(hide_controls(self.path), _LONGEST_PATH))


def list_parts(judgement: Judgement, proof: HistoryProof | None) -> list[Part]:
    """Return the revisions that are new, the worst first, then in the order that they run."""
    gathered = _gather(judgement, proof)
    order = (_BAD, _DOUBTFUL, _GOOD)
    return [_write(one) for one in sorted(gathered, key=lambda one: order.index(one.sign))]


def _gather(judgement: Judgement, proof: HistoryProof | None) -> list[_Gathered]:
    found: dict[str, _Gathered] = {}

    def ask(path: str) -> _Gathered:
        return found.setdefault(path, _Gathered(path))

    for passage in judgement.timeline.passages:
        path = passage.migration.path
        if judgement.paths is None or path in judgement.paths:
            ask(path).passages.append(passage)
    for finding in sort_findings(judgement.result.findings):
        ask(finding.path).findings.append(finding)
    for entry in judgement.result.unjudged:
        ask(entry.path).unjudged.append(entry)
    for assumption in judgement.result.assumptions:
        ask(assumption.path).assumptions.append(assumption)
    for revision in () if proof is None else proof.revisions:
        ask(revision.path).proof = revision
    return [*found.values()]


def _write(one: _Gathered) -> Part:
    lint = _count_findings(one.findings) or "no findings"
    proved = "" if one.proof is None else describe_proof(one.proof)
    verdict = "; ".join(filter(None, (lint, cut_line(proved, _LONGEST_REASON))))
    title = f"### {one.sign} {one.name}\n\n**{escape_text(verdict)}**"
    place = code_span(cut_line(hide_controls(one.path), _LONGEST_PATH))
    head = f"{title} · {place}"
    strongest = find_strongest(one.passages)
    shown = escape_text(cut_line(proved, _LONGEST_REASON))
    return Part(
        sign=one.sign,
        row=f"| {one.sign} | {one.name} | {lint} | {shown} | {strongest} |",
        title=title,
        brief="\n\n".join([head, *_list_blocks(one, is_full=False)]),
        full="\n\n".join([head, *_list_blocks(one, is_full=True)]),
    )


def _list_blocks(one: _Gathered, *, is_full: bool) -> Iterator[str]:
    entries = list_entries(one.findings, one.unjudged, one.assumptions, shown_lines=_SHOWN_LINES)
    yield from write_entries(entries, is_full=is_full)
    if is_full:
        yield from _list_locks(one.passages)
    if one.proof is not None:
        yield "\n".join(_describe_proof(one.proof, is_full=is_full))


def _list_locks(passages: Iterable[Passage]) -> Iterator[str]:
    """Yield the table of the upgrade, and that of the downgrade, which is folded."""
    passages = list(passages)
    up = tabulate_locks(passages, Direction.UPGRADE)
    if up:
        yield "\n".join(["#### Locks", "", *up])
    down = tabulate_locks(passages, Direction.DOWNGRADE)
    if down:
        summary = "<summary>Locks of the downgrade</summary>"
        yield "\n".join(["<details>", summary, "", *down, "", "</details>"])


def _describe_proof(proof: RevisionProof, *, is_full: bool) -> Iterator[str]:
    yield "#### Proofs"
    yield ""
    if proof.upgrade is Outcome.SKIPPED:
        yield f"Not tried: {escape_text(cut_line(proof.error or '', _LONGEST_REASON))}"
        return
    asked = [check for check in proof.checks if check.standing is not Standing.UNASKED]
    words = " ".join(count_checks(asked)).removeprefix("Checks: ")
    yield f"{words or 'Nothing was asked for.'}"
    points = [*describe_checks(proof.checks, is_full=is_full)]
    if points:
        yield from ("", *points)


def _count_findings(findings: Iterable[Finding]) -> str:
    severities = [finding.severity for finding in findings]
    return enumerate_words(
        [
            count(number, severity.value)
            for severity in Severity
            if (number := severities.count(severity))
        ]
    )
