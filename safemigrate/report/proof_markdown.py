"""What `verify` proved, as Markdown for a comment on a pull request."""

from collections.abc import Iterable, Iterator

from safemigrate.model import Check, HistoryProof, Outcome, RevisionProof, Standing
from safemigrate.report.excerpt import one_line
from safemigrate.report.markdown_text import (
    COMMENT_LIMIT,
    code_span,
    escape_text,
    fence_code,
    measure,
)
from safemigrate.report.proofs import (
    describe_proof,
    find_strongest_lock,
    format_proof_totals,
    name_revision,
)

__all__ = ["describe_checks", "describe_history", "format_proof_markdown", "headline_proof"]

# By this a script finds the comment that it wrote before.
_MARK = "<!-- safemigrate verify -->"
_SHOWN = (Standing.BROKEN, Standing.UNKNOWN, Standing.ACCEPTED)
_WARNED = "⚠️"
_SIGNS = {Standing.BROKEN: "❌", Standing.UNKNOWN: "❔", Standing.ACCEPTED: _WARNED}


def format_proof_markdown(proof: HistoryProof, *, limit: int = COMMENT_LIMIT) -> str:
    """Return the comment, at most `limit` characters long in UTF-16.

    Revisions with something broken come first. Where there is no room, the lines of evidence are
    left out first, then the revisions that come last.
    """
    head = [f"{_MARK}\n## safemigrate: {headline_proof(proof)}", *map(escape_text, _totals(proof))]
    table = "\n".join(_tabulate(proof.revisions))
    notices = "\n".join(f"- {escape_text(one_line(notice))}" for notice in proof.notices)
    tail = [f"#### Notes\n\n{notices}"] if notices else []
    for is_full in (True, False):
        blocks = [*head, *([table] if table else []), *_list_blocks(proof, is_full=is_full), *tail]
        text = "\n\n".join(blocks) + "\n"
        if measure(text) <= limit:
            return text
    note = "There was no room for all of it; the text report of `safemigrate verify` has it.\n"
    shown = "\n\n".join(head) + "\n\n"
    for block in _list_blocks(proof, is_full=False):
        if measure(shown) + measure(block) + measure(note) + 2 > limit:
            break
        shown += f"{block}\n\n"
    return shown + note


def _totals(proof: HistoryProof) -> list[str]:
    return [" ".join(format_proof_totals(proof))]


def _tabulate(revisions: Iterable[RevisionProof]) -> Iterator[str]:
    """Yield a table with a row a revision: how it ended and what it locks."""
    rows = [
        f"| {code_span(one_line(name_revision(one)))} | {escape_text(describe_proof(one))} "
        f"| {one.duration_ms:.0f} ms | {escape_text(find_strongest_lock(one)) or '?'} |"
        for one in _rank(revisions)
    ]
    if rows:
        yield from ("| revision | proof | took | strongest lock |", "|---|---|---:|---|")
        yield from rows


def _rank(revisions: Iterable[RevisionProof]) -> list[RevisionProof]:
    return sorted(revisions, key=lambda one: (not one.has_failed, one.is_proved))


def _list_blocks(proof: HistoryProof, *, is_full: bool) -> Iterator[str]:
    for one in _rank(proof.revisions):
        points = [*describe_checks(one.checks, is_full=is_full)]
        if points:
            title = f"### {code_span(one_line(name_revision(one)))}"
            yield "\n".join([title, "", code_span(one.path), "", *points])
    points = [*describe_history(proof, is_full=is_full)]
    if points:
        yield "\n".join(["### The history as a whole", "", *points])


def headline_proof(proof: HistoryProof) -> str:
    """Return in a few words what is broken, or that nothing is."""
    broken = sum(check.is_broken for one in proof.revisions for check in one.checks)
    broken += sum(check.is_broken for check in proof.checks)
    untried = sum(one.upgrade is Outcome.SKIPPED for one in proof.revisions)
    if broken or untried:
        return f"{broken} broken" + (f", {untried} not tried" if untried else "")
    return "proved"


def describe_checks(checks: Iterable[Check], *, is_full: bool) -> Iterator[str]:
    """Yield the lines of a list: what is broken, unknown, accepted or warned of.

    `is_full`: with the evidence, and what to do.
    """
    for check in checks:
        if check.warning or check.standing in _SHOWN:
            yield from _describe(check, is_full=is_full)


def describe_history(proof: HistoryProof, *, is_full: bool) -> Iterator[str]:
    """Yield the lines of a list: what there is to say of the history as a whole."""
    yield from describe_checks(proof.checks, is_full=is_full)
    trip = proof.round_trip
    if trip is not None and trip.is_ok is False:
        reason = escape_text(one_line(trip.reason) or "the schema differs")
        yield f"- ❌ the way from head to base and back fails: {reason}"


def _describe(check: Check, *, is_full: bool) -> Iterator[str]:
    reason = escape_text(one_line(check.warning or check.reason))
    sign = _WARNED if check.warning else _SIGNS[check.standing]
    yield f"- {sign} {code_span(check.subject.value)}: {reason}"
    if check.warning or not is_full:
        return
    if check.details:
        yield ""
        yield from (f"  {line}".rstrip() for line in fence_code("text", check.details))
    if check.help and check.standing is not Standing.ACCEPTED:
        yield from ("", f"  Help: {escape_text(one_line(check.help))}")
