"""What `verify` proved, as text: a table with a line a revision, what is broken, and the sum."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from safemigrate.model import (
    Check,
    HistoryProof,
    Lock,
    Outcome,
    Property,
    RevisionProof,
    Standing,
)
from safemigrate.report.excerpt import cut_line, one_line
from safemigrate.report.tone import Paint, Tone, leave_plain
from safemigrate.report.wording import count, enumerate_words

__all__ = [
    "count_checks",
    "describe_proof",
    "find_strongest_lock",
    "format_proof",
    "format_proof_totals",
    "format_proofs",
    "list_properties",
    "name_revision",
]

_MARKS = {
    Outcome.OK: ("✓", Tone.GOOD),
    Outcome.FAILED: ("✗", Tone.ERROR),
    Outcome.SKIPPED: ("-", Tone.WARNING),
}
_SIGNS = {
    Standing.HOLDS: ("✓", Tone.GOOD),
    Standing.BROKEN: ("✗", Tone.ERROR),
    Standing.ACCEPTED: ("!", Tone.WARNING),
    Standing.UNKNOWN: ("?", Tone.WARNING),
    Standing.UNASKED: ("-", Tone.INFO),
}
_WARNED = ("!", Tone.WARNING)
_HEADINGS = ("up", "down", "restored", "up again")
_COUNTED = "checks"
_NAME_WIDTH = 48
_MOST_DETAILS = 20
_MOST_NAMED = 5


def format_proof(proof: RevisionProof) -> str:
    """Return one line that says how the proof of a revision ended."""
    return f"{name_revision(proof)}: {describe_proof(proof)}"


def name_revision(proof: RevisionProof) -> str:
    """Return the id of a revision and its message."""
    return f"{proof.revision} {one_line(proof.message)}".strip().rstrip(".")


def describe_proof(proof: RevisionProof) -> str:
    """Return in words how it ended: each property that is broken, or could not be proved."""
    if proof.upgrade is Outcome.SKIPPED:
        return "not tried"
    groups = (
        ("breaks", Standing.BROKEN),
        ("accepted", Standing.ACCEPTED),
        ("unknown", Standing.UNKNOWN),
    )
    words = [
        f"{verb} {', '.join(names)}"
        for verb, standing in groups
        if (names := [one.subject.value for one in proof.checks if one.standing is standing])
    ]
    return "; ".join(words) if words and not proof.is_proved else "; ".join(["proved", *words])


def format_proofs(
    proof: HistoryProof, *, paint: Paint = leave_plain, is_verbose: bool = False
) -> str:
    """Return the table, what is broken or unknown, notes, and the totals in the last lines.

    `is_verbose`: what was seen of properties that hold, too.
    """
    blocks = ["\n".join(_format_table(proof.revisions, paint))] if proof.revisions else []
    for revision in proof.revisions:
        lines = [*_format_details(revision, paint, is_verbose=is_verbose)]
        if lines:
            title = f"{paint(name_revision(revision), Tone.STRONG)}   {revision.path}"
            blocks.append("\n".join([title, *lines]))
    lines = [*_format_history(proof, paint, is_verbose=is_verbose)]
    if lines:
        blocks.append("\n".join([paint("the history as a whole", Tone.STRONG), *lines]))
    notes = [f"{paint('note', Tone.INFO)}: {one_line(notice)}" for notice in proof.notices]
    if notes:
        blocks.append("\n".join(notes))
    blocks.append("\n".join(format_proof_totals(proof)))
    return "\n\n".join(blocks) + "\n"


def _format_table(revisions: Sequence[RevisionProof], paint: Paint) -> Iterator[str]:
    names = [cut_line(name_revision(revision), _NAME_WIDTH) for revision in revisions]
    counts = [_count_holding(revision) for revision in revisions]
    width = max(map(len, (*names, "revision")))
    counted = max(map(len, (*counts, _COUNTED)))
    columns = "  ".join((*_HEADINGS, _COUNTED.ljust(counted)))
    yield paint(f"{'revision'.ljust(width)}  {columns}  {'took':>9}  strongest lock", Tone.STRONG)
    for name, number, revision in zip(names, counts, revisions, strict=True):
        marks = "  ".join(
            paint(mark.ljust(len(heading)), tone)
            for heading, (mark, tone) in zip(_HEADINGS, _marks(revision), strict=True)
        )
        tone = Tone.GOOD if revision.is_proved else Tone.ERROR
        shown = paint(number.ljust(counted), tone)
        took = "" if revision.upgrade is Outcome.SKIPPED else f"{revision.duration_ms:.0f} ms"
        lock = find_strongest_lock(revision)
        yield f"{name.ljust(width)}  {marks}  {shown}  {took:>9}  {lock}".rstrip()


def _count_holding(revision: RevisionProof) -> str:
    asked = [one for one in revision.checks if one.standing is not Standing.UNASKED]
    good = sum(one.standing in {Standing.HOLDS, Standing.ACCEPTED} for one in asked)
    if revision.upgrade is Outcome.SKIPPED:
        return "-"
    return str(good) if good == len(asked) else f"{good} of {len(asked)}"


def _marks(revision: RevisionProof) -> tuple[tuple[str, Tone], ...]:
    """Return a mark a heading; of what nobody asked for, only that it was not."""
    restored = {True: Outcome.OK, False: Outcome.FAILED, None: Outcome.SKIPPED}
    asked = {check.subject for check in revision.checks}
    steps = (
        (revision.upgrade, None),
        (revision.downgrade, None),
        (restored[revision.restored], Property.RESTORES_SCHEMA),
        (revision.upgrade_again, Property.APPLIES_AGAIN),
    )
    return tuple(
        _MARKS[step if subject is None or subject in asked else Outcome.SKIPPED]
        for step, subject in steps
    )


def find_strongest_lock(revision: RevisionProof) -> str:
    """Return the strongest lock of the upgrade that somebody could wait for, in words."""
    locks: list[Lock] = [
        lock
        for statement in revision.statements
        if statement.direction.value == "upgrade"
        for lock in statement.locks
        if lock.is_preexisting and lock.relation not in statement.minor
    ]
    if not locks:
        return "none" if revision.statements else ""
    strongest = max(locks, key=lambda lock: lock.mode)
    relations = {lock.relation for lock in locks if lock.mode is strongest.mode}
    more = f" and {len(relations) - 1} more" if len(relations) > 1 else ""
    return f"{strongest.mode.value} on {strongest.relation}{more}"


def _format_details(revision: RevisionProof, paint: Paint, *, is_verbose: bool) -> Iterator[str]:
    if revision.upgrade is Outcome.SKIPPED:
        yield f"    {one_line(revision.error or '')}"
        return
    yield from _format_checks(revision.checks, revision.path, paint, is_verbose=is_verbose)
    for line in revision.notes:
        yield f"    {paint('note', Tone.INFO)}: {line}"


def _format_history(proof: HistoryProof, paint: Paint, *, is_verbose: bool) -> Iterator[str]:
    yield from _format_checks(proof.checks, "", paint, is_verbose=is_verbose)
    trip = proof.round_trip
    if trip is not None and trip.is_ok is False:
        mark = paint("✗", Tone.ERROR)
        yield f"  {mark} the way from head to base and back fails"
        yield from (f"      {line}" for line in (trip.reason, *trip.differences) if line)


def _format_checks(
    checks: Iterable[Check], path: str, paint: Paint, *, is_verbose: bool
) -> Iterator[str]:
    for check in checks:
        is_quiet = check.standing in {Standing.HOLDS, Standing.UNASKED}
        if is_quiet and not check.warning and not (is_verbose and (check.reason or check.details)):
            continue
        mark, tone = _WARNED if check.warning else _SIGNS[check.standing]
        reason = one_line(check.warning or check.reason)
        # most reasons begin with the place already
        shown = "" if reason.startswith(check.path) and check.path else _format_place(check, path)
        yield f"  {paint(mark, tone)} {paint(check.subject.value, tone)}: {shown}{reason}".rstrip()
        seen = check.details if is_verbose or not is_quiet else ()
        details = seen if is_verbose else seen[:_MOST_DETAILS]
        yield from (f"      {line}" for line in details)
        if len(details) < len(seen):
            yield f"      and {len(seen) - len(details)} more; --verbose shows them"
        if check.help and check.standing in {Standing.BROKEN, Standing.UNKNOWN}:
            yield f"    {paint('help', Tone.GOOD)}: {check.help}"


def _format_place(check: Check, path: str) -> str:
    """Return where it is, in front of the reason; `path` has been told, and is "" for none."""
    if check.line == 1 and (not path or check.path in {"", path}):
        return ""
    return f"line {check.line}: " if path else f"{check.path}:{check.line}: "


def format_proof_totals(proof: HistoryProof) -> tuple[str, ...]:
    """Return the last lines: how many revisions are proved, and what was not asked for."""
    asked = [one for one in proof.revisions if one.checks or one.upgrade is Outcome.SKIPPED]
    proved = sum(revision.is_proved for revision in asked)
    total = len(asked)
    number = str(proved) if proved == total else f"{proved} of {total}"
    noun = count(total, "revision").partition(" ")[2]
    place = f"on PostgreSQL {proof.version} ({proof.server})"
    text, way = f"Proved {number} {noun} {place}", ", and the whole way from head to base and back."
    if proof.revisions and not asked:
        of = "it" if len(proof.revisions) == 1 else "any of them"
        text = f"Applied {count(len(proof.revisions), 'revision')} {place}"
        text += f"; no property of {of} was asked for"
        way = ". The whole way from head to base and back was proved."
    trip = proof.round_trip
    text += way if trip is not None and trip.is_ok else "."
    rest = _list_unproved(proof.revisions)
    if rest:
        text += f" Not proved: {enumerate_words(rest)}."
    if trip is not None and trip.is_ok is False:
        text += " The way from head to base and back fails."
    elif trip is not None and trip.is_ok is None:
        text += f" The way from head to base and back was not tried: {trip.reason}."
    checks = [check for one in proof.revisions for check in one.checks] + [*proof.checks]
    unasked = [f"Not asked: {line}." for line in _list_unasked(proof)]
    return (*unasked, *count_checks(checks), text)


def _list_unasked(proof: HistoryProof) -> Iterator[str]:
    """Yield each property that needs what was not given, with what that is, once for each reason.

    The revisions are named where others were asked, or for another reason.
    """
    found: dict[Property, dict[str, list[str]]] = {}
    asked: Counter[Property] = Counter()
    for one in proof.revisions:
        for check in one.checks:
            asked[check.subject] += 1
            if check.standing is Standing.UNASKED:
                reasons = found.setdefault(check.subject, {})
                reasons.setdefault(check.help or check.reason, []).append(one.revision)
    for check in proof.checks:
        if check.standing is Standing.UNASKED:
            found.setdefault(check.subject, {}).setdefault(check.help or check.reason, [])
    for subject in Property:
        for reason, revisions in found.get(subject, {}).items():
            which = "" if len(revisions) == asked[subject] else f" of {_name_some(revisions)}"
            yield f"{subject.value}{which} ({one_line(reason)})"


def _name_some(revisions: Sequence[str]) -> str:
    """Return the first few of them, and how many more there are."""
    named, rest = revisions[:_MOST_NAMED], len(revisions) - _MOST_NAMED
    return enumerate_words([*named, f"{rest} more"] if rest > 0 else named)


def count_checks(checks: Sequence[Check]) -> Iterator[str]:
    """Yield a sentence that counts how they stand; none for no check."""
    counts = Counter(check.standing for check in checks)
    words = [
        f"{counts[standing]} {verb}"
        for standing, verb in (
            (Standing.HOLDS, "hold"),
            (Standing.BROKEN, "broken"),
            (Standing.ACCEPTED, "accepted"),
            (Standing.UNKNOWN, "unknown"),
        )
        if counts[standing]
    ]
    if words:
        yield f"Checks: {', '.join(words)}."


def _list_unproved(revisions: Sequence[RevisionProof]) -> list[str]:
    skipped = [one for one in revisions if one.upgrade is Outcome.SKIPPED]
    failed = [one for one in revisions if one.has_failed and one not in skipped]
    unknown = [
        one for one in revisions if not one.is_proved and one not in failed and one not in skipped
    ]
    return [
        f"{len(group)} {what} ({', '.join(one.revision for one in group)})"
        for group, what in (
            (failed, "failed"),
            (skipped, "not tried"),
            (unknown, "with something unknown"),
        )
        if group
    ]


def list_properties() -> str:
    """Return every property with its number, family, and what is true where it holds."""
    names = max(len(one.value) for one in Property)
    families = max(len(one.family.value) for one in Property)
    lines = [
        f"{one.number or '':3}  {one.value.ljust(names)}  {one.family.value.ljust(families)}  "
        f"{one.sentence}"
        for one in Property
    ]
    return "\n".join(lines) + "\n"
