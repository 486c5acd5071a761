"""What `verify` proved: a table with a line a revision, what failed, and the sum; and as JSON."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from safemigrate.model import (
    Facts,
    HistoryProof,
    Lock,
    ObservedStatement,
    Outcome,
    RevisionProof,
    Span,
    Statement,
)
from safemigrate.report.documents import StatementDocument, statement_document
from safemigrate.report.excerpt import cut_line, one_line
from safemigrate.report.tone import Paint, Tone, leave_plain
from safemigrate.report.wording import count, enumerate_words

__all__ = ["VerifyDocument", "format_proof", "format_proofs", "verify_document"]

_VERSION = 1
_MARKS = {
    Outcome.OK: ("✓", Tone.GOOD),
    Outcome.FAILED: ("✗", Tone.ERROR),
    Outcome.SKIPPED: ("-", Tone.WARNING),
}
_HEADINGS = ("up", "down", "restored", "up again")
_NAME_WIDTH = 48


class _RevisionDocument(Struct, frozen=True):
    revision: str
    upgrade: str
    downgrade: str
    restored: bool | None
    upgrade_again: str
    differences: tuple[str, ...]
    statements: tuple[StatementDocument, ...]
    error: str | None


class VerifyDocument(Struct, frozen=True):
    """What `verify` proved; `statements` are as in `explain`, observed."""

    version: int
    revisions: tuple[_RevisionDocument, ...]


def verify_document(proof: HistoryProof) -> VerifyDocument:
    """Return the document of `verify`, the revisions in the order of an upgrade."""
    return VerifyDocument(_VERSION, tuple(map(_revision_document, proof.revisions)))


def _revision_document(proof: RevisionProof) -> _RevisionDocument:
    return _RevisionDocument(
        revision=proof.revision,
        upgrade=proof.upgrade.value,
        downgrade=proof.downgrade.value,
        restored=proof.restored,
        upgrade_again=proof.upgrade_again.value,
        differences=proof.differences,
        statements=tuple(map(_statement_document, proof.statements)),
        error=proof.error,
    )


def _statement_document(observed: ObservedStatement) -> StatementDocument:
    statement = Statement(
        sql=observed.sql,
        path=observed.path,
        span=Span(observed.line, 1, observed.line, 1),
        revision=observed.revision,
        direction=observed.direction,
        ordinal=observed.ordinal,
        transaction=observed.transaction,
    )
    facts = Facts(observed.locks, observed.rewrites, observed.scans, certainty=observed.certainty)
    return statement_document(statement, facts)


def format_proof(proof: RevisionProof) -> str:
    """Return one line that says how the proof of a revision ended."""
    return f"{_title(proof)}: {_describe(proof)}"


def _title(proof: RevisionProof) -> str:
    return f"{proof.revision} {one_line(proof.message)}".strip().rstrip(".")


def _describe(proof: RevisionProof) -> str:
    """Return what happened, in words, every step that went wrong named."""
    if proof.is_proved:
        return "proved"
    if proof.upgrade is Outcome.SKIPPED:
        return "not tried"
    if proof.is_refused:
        return "applied; there is no downgrade"
    faults = (
        (proof.upgrade is Outcome.FAILED, "the upgrade fails"),
        (proof.downgrade is Outcome.FAILED, "the downgrade fails"),
        (proof.restored is False, "the downgrade does not restore the schema"),
        (proof.upgrade_again is Outcome.FAILED, _describe_again(proof)),
    )
    return "; ".join(text for is_fault, text in faults if is_fault)


def _describe_again(proof: RevisionProof) -> str:
    how = "fails" if proof.error else "leads to another schema"
    return f"the second upgrade {how}"


def format_proofs(proof: HistoryProof, *, paint: Paint = leave_plain) -> str:
    """Return the table, what failed or was left out, notes, and the totals in the last line."""
    blocks = ["\n".join(_format_table(proof.revisions, paint))] if proof.revisions else []
    blocks += [
        "\n".join(_format_details(revision, paint))
        for revision in proof.revisions
        if not revision.is_proved or revision.notes
    ]
    trip = proof.round_trip
    if trip is not None and trip.is_ok is False:
        lines = [f"{paint('from head to base and back', Tone.STRONG)}"]
        lines += [f"    {line}" for line in (trip.reason, *trip.differences) if line]
        blocks.append("\n".join(lines))
    notes = [f"{paint('note', Tone.INFO)}: {one_line(notice)}" for notice in proof.notices]
    if notes:
        blocks.append("\n".join(notes))
    blocks.append(_format_totals(proof))
    return "\n\n".join(blocks) + "\n"


def _format_table(revisions: Sequence[RevisionProof], paint: Paint) -> Iterator[str]:
    names = [cut_line(_title(revision), _NAME_WIDTH) for revision in revisions]
    width = max(map(len, (*names, "revision")))
    columns = "  ".join(_HEADINGS)
    yield paint(f"{'revision'.ljust(width)}  {columns}  {'took':>9}  strongest lock", Tone.STRONG)
    for name, revision in zip(names, revisions, strict=True):
        marks = "  ".join(
            paint(mark.ljust(len(heading)), tone)
            for heading, (mark, tone) in zip(_HEADINGS, _marks(revision), strict=True)
        )
        took = "" if revision.upgrade is Outcome.SKIPPED else f"{revision.duration_ms:.0f} ms"
        yield f"{name.ljust(width)}  {marks}  {took:>9}  {_strongest_lock(revision)}".rstrip()


def _marks(revision: RevisionProof) -> tuple[tuple[str, Tone], ...]:
    restored = {True: Outcome.OK, False: Outcome.FAILED, None: Outcome.SKIPPED}
    steps = (
        revision.upgrade,
        revision.downgrade,
        restored[revision.restored],
        revision.upgrade_again,
    )
    return tuple(_MARKS[step] for step in steps)


def _strongest_lock(revision: RevisionProof) -> str:
    """Return the strongest lock of the upgrade that somebody could wait for."""
    locks: list[Lock] = [
        lock
        for statement in revision.statements
        if statement.direction.value == "upgrade"
        for lock in statement.locks
        if lock.is_preexisting and lock.relation not in statement.minor
    ]
    if not locks:
        return "none" if revision.upgrade is Outcome.OK else ""
    strongest = max(locks, key=lambda lock: lock.mode)
    relations = {lock.relation for lock in locks if lock.mode is strongest.mode}
    more = f" and {len(relations) - 1} more" if len(relations) > 1 else ""
    return f"{strongest.mode.value} on {strongest.relation}{more}"


def _format_details(revision: RevisionProof, paint: Paint) -> Iterator[str]:
    tone = Tone.ERROR if revision.has_failed else Tone.WARNING
    yield f"{paint(_title(revision), Tone.STRONG)}   {revision.path}"
    if not revision.is_proved and revision.upgrade is not Outcome.SKIPPED:
        yield f"    {paint(_describe(revision), tone)}"
    if revision.error:
        yield f"    {one_line(revision.error)}"
    for line in revision.differences:
        yield f"    {line}"
    for line in revision.notes:
        yield f"    {paint('note', Tone.INFO)}: {line}"


def _format_totals(proof: HistoryProof) -> str:
    """Return the last line."""
    proved = sum(revision.is_proved for revision in proof.revisions)
    total = len(proof.revisions)
    number = str(proved) if proved == total else f"{proved} of {total}"
    noun = count(total, "revision").partition(" ")[2]
    text = f"Proved {number} {noun} on PostgreSQL {proof.version} ({proof.server})"
    trip = proof.round_trip
    if trip is not None and trip.is_ok:
        text += ", and the whole way from head to base and back"
    text += "."
    rest = _list_unproved(proof.revisions)
    if rest:
        text += f" Not proved: {enumerate_words(rest)}."
    if trip is not None and trip.is_ok is False:
        text += " The way from head to base and back fails."
    elif trip is not None and trip.is_ok is None:
        text += f" The way from head to base and back was not tried: {trip.reason}."
    return text


def _list_unproved(revisions: Sequence[RevisionProof]) -> list[str]:
    failed = [one for one in revisions if one.has_failed and one.upgrade is not Outcome.SKIPPED]
    skipped = [one for one in revisions if one.upgrade is Outcome.SKIPPED]
    refused = [one for one in revisions if one.is_refused]
    return [
        f"{len(group)} {what} ({', '.join(one.revision for one in group)})"
        for group, what in (
            (failed, "failed"),
            (skipped, "not tried"),
            (refused, "without a downgrade"),
        )
        if group
    ]
