"""What speaks against a run, one question each; what is not known is said, and refuses nothing."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from safemigrate.catalog.figures import Replica
from safemigrate.gate.decision import Objection, ObjectionKind
from safemigrate.model import Direction, Finding, LintResult, Severity
from safemigrate.plan import Change

__all__ = [
    "Answer",
    "Heads",
    "find_errors",
    "object_to_disk",
    "object_to_downgrade",
    "object_to_edits",
    "object_to_findings",
    "object_to_heads",
    "object_to_lag",
]

Answer = tuple[tuple[Objection, ...], tuple[str, ...]]
"""What speaks against it, and what is to be known."""

_MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Heads:
    """The ends of a history, and where a database is in it.

    `heads`: those of the files, each with the labels of its branch. `current`: what the database
    is at. `parents`: what each revision follows.
    """

    heads: Mapping[str, frozenset[str]]
    current: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]


def find_errors(
    result: LintResult, pending: Collection[str], direction: Direction
) -> tuple[Finding, ...]:
    """Return the findings that refuse: errors of pending revisions, in the direction to be run."""
    return tuple(
        finding
        for finding in result.findings
        if finding.severity is Severity.ERROR
        and finding.revision in pending
        and finding.direction is direction
    )


def object_to_findings(
    result: LintResult, pending: Collection[str], direction: Direction
) -> Answer:
    """Return what the findings come to; a suppressed one is not part of the result.

    A downgrade is not refused: whoever takes a release back must not have to edit files first.
    """
    errors = find_errors(result, pending, direction)
    if not errors:
        return (), ()
    number = _count(len(errors), "error finding")
    if direction is Direction.DOWNGRADE:
        return (), (f"{number} in what is taken back; a downgrade runs all the same",)
    revisions = _count(len({finding.revision for finding in errors}), "pending revision")
    advice = (
        "rewrite the revision as the finding says; or allow it with a reason, on the line of the "
        f"statement or the line above: # safemigrate: ignore[{errors[0].rule}] the reason"
    )
    return (Objection(ObjectionKind.FINDINGS, f"{number} in {revisions}", advice),), ()


def object_to_edits(
    changes: Mapping[str, Change], direction: Direction = Direction.UPGRADE
) -> Answer:
    """Return what speaks against it where applied revisions are not what they were.

    A downgrade is not refused, as for findings.
    """
    edited = [revision for revision, change in changes.items() if change is Change.EDITED]
    elsewhere = [revision for revision, change in changes.items() if change is Change.ELSEWHERE]
    notices = []
    if elsewhere:
        names = _list(elsewhere)
        notices.append(
            f"{_revisions(len(elsewhere))} {names} would send other SQL now than when applied, "
            "through what the file imports"
        )
    if not edited:
        return (), tuple(notices)
    verb = "was" if len(edited) == 1 else "were"
    text = f"{_revisions(len(edited))} {_list(edited)} {verb} edited after being applied"
    if direction is Direction.DOWNGRADE:
        return (), (*notices, f"{text}; a downgrade runs all the same")
    advice = "put the file back as it was, and write the change into a new revision"
    return (Objection(ObjectionKind.EDITED, text, advice),), tuple(notices)


def object_to_heads(where: Heads) -> Answer:
    """Return what speaks against running everything where the history forks.

    Branches with labels of their own, or without a revision in common, are meant so. So is a fork
    that the database has gone through already.
    """
    lines = {head: _line(head, where.parents) for head in where.heads}
    for heads in _list_forks(where, lines):
        line = frozenset().union(*(lines[head] for head in heads))
        present = sum(revision in line for revision in where.current)
        if len(heads) > max(present, 1):
            text = f"the history forks into {len(heads)} heads, {_list(heads)}"
            advice = (
                "join them with `alembic merge heads`; or say what to run: `heads` for all of "
                "them, or one by its id"
            )
            return (Objection(ObjectionKind.HEADS, text, advice),), ()
    return (), ()


def object_to_downgrade(direction: Direction, *, is_production: bool) -> Answer:
    """Return what speaks against taking revisions back on a database that is marked."""
    if direction is Direction.UPGRADE or not is_production:
        return (), ()
    text = "the database is marked production, where a downgrade needs a reason"
    advice = "write a new revision that goes forward to where the schema should be"
    return (Objection(ObjectionKind.PRODUCTION, text, advice),), ()


def object_to_disk(needs: Mapping[str, int], free: Mapping[str, int | None]) -> Answer:
    """Return what speaks against rewrites for which there is no room.

    `needs`: bytes by tablespace. `free`: what is free there; None or absent where that is not
    known.
    """
    objections, notices = [], []
    for tablespace, need in needs.items():
        if not need:
            continue
        place = f' in "{tablespace}"' if tablespace else ""
        room = free.get(tablespace)
        if room is None:
            notices.append(
                f"a rewrite needs about {_size(need)} of free disk{place}, and how much there is "
                "cannot be seen from here; --disk-free-bytes says it"
            )
        elif room < need:
            text = (
                f"a rewrite needs about {_size(need)} of free disk{place}, there is {_size(room)}"
            )
            advice = "make room on the server, or change the table in steps that do not rewrite it"
            objections.append(Objection(ObjectionKind.DISK, text, advice))
    return tuple(objections), tuple(notices)


def object_to_lag(replicas: Sequence[Replica], most_seconds: float | None) -> Answer:
    """Return what speaks against it where replicas are behind; no limit is no objection."""
    if most_seconds is None:
        return (), ()
    objections, notices = [], []
    for one in replicas:
        if one.lag_seconds is None:
            why = "the role may not see it"
            if one.is_visible:
                size = "" if one.lag_bytes is None else f", but for {_size(one.lag_bytes)}"
                why = f"it does not report its replay{size}"
            notices.append(f'how long replica "{one.name}" is behind is not known: {why}')
        elif one.lag_seconds > most_seconds:
            text = (
                f'replica "{one.name}" is {one.lag_seconds:.3g} s behind, more than the '
                f"{most_seconds:.3g} s of max-replica-lag-s"
            )
            advice = "wait until it has caught up"
            objections.append(Objection(ObjectionKind.REPLICA_LAG, text, advice))
    return tuple(objections), tuple(notices)


def _list_forks(where: Heads, lines: Mapping[str, frozenset[str]]) -> Iterator[list[str]]:
    """Yield the heads that nothing tells apart: a revision in common, and the same labels."""
    rest = sorted(where.heads)
    while rest:
        first = rest.pop(0)
        alike = [
            head
            for head in rest
            if lines[head] & lines[first] and where.heads[head] == where.heads[first]
        ]
        rest = [head for head in rest if head not in alike]
        if alike:
            yield [first, *alike]


def _line(revision: str, parents: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Return the revision with all that come before it."""
    seen = {revision}
    waiting = [revision]
    while waiting:
        for parent in parents.get(waiting.pop(), ()):
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return frozenset(seen)


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in names[:_MOST_NAMES])
    rest = len(names) - _MOST_NAMES
    return f"{shown} and {rest} more" if rest > 0 else shown


def _revisions(number: int) -> str:
    return "revision" if number == 1 else f"{number} revisions"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _size(number: int) -> str:
    """Return `1.5 GiB`."""
    size, units = float(number), ["TiB", "GiB", "MiB", "KiB", "B"]
    while size >= 1024 and len(units) > 1:  # noqa: PLR2004 - a power of two
        size /= 1024
        units.pop()
    return f"{size:.0f} {units[-1]}" if size >= 1000 else f"{size:.3g} {units[-1]}"  # noqa: PLR2004 - digits
