"""How a database differs from what its history gives, as text and as JSON."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from safemigrate.report.excerpt import cut_line
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count
from safemigrate.verify import Change, Drift, DriftDifference

__all__ = ["DriftDocument", "drift_document", "format_drift"]

_MOST_SHOWN = 100
_MOST_PARTITIONS = 5
_VALUE_LENGTH = 200
_REPAIR_LINES = 12
# Of a whole object that is on one side only, this says what it is; the rest is in the JSON.
_TELLING = ("definition", "type", "labels", "text")
_TONES = {
    Change.MISSING: Tone.ERROR,
    Change.BESIDE: Tone.WARNING,
    Change.DIFFERENT: Tone.WARNING,
}


class _DifferenceDocument(Struct, frozen=True):
    kind: str
    name: str
    change: str
    expected: Mapping[str, str]
    found: Mapping[str, str]
    remark: str
    repair: str
    is_destructive: bool


class DriftDocument(Struct, frozen=True):
    """The part of the JSON of `status` that --drift adds."""

    server_version: int
    replayed: int
    differences: tuple[_DifferenceDocument, ...]
    column_orders: tuple[str, ...]
    partitions: tuple[str, ...]


def drift_document(drift: Drift) -> DriftDocument:
    """Return the JSON's content."""
    return DriftDocument(
        drift.server_version.major,
        drift.revisions,
        tuple(
            _DifferenceDocument(
                one.kind,
                one.identity,
                one.change.value,
                one.expected,
                one.found,
                one.remark,
                one.repair,
                one.is_destructive,
            )
            for one in drift.differences
        ),
        drift.reordered,
        drift.partitions,
    )


def format_drift(drift: Drift, paint: Paint) -> str:
    """Return the differences by object, what is no drift, and the sum in the last line."""
    shown = drift.differences[:_MOST_SHOWN]
    lines = [line for one in shown for line in _format_difference(one, paint)]
    left = len(drift.differences) - len(shown)
    if left:
        lines.append(f"and {count(left, 'object')} more, which --format json lists")
    notes = [f"{paint('note', Tone.INFO)}: {note}" for note in _list_notes(drift)]
    blocks = [*(["\n".join(lines)] if lines else []), *(["\n".join(notes)] if notes else [])]
    return "\n\n".join([*blocks, _summary(drift, paint)]) + "\n"


def _format_difference(one: DriftDifference, paint: Paint) -> Iterator[str]:
    remark = f"  {paint(one.remark, Tone.ERROR)}" if one.remark else ""
    change = paint(one.change.value.ljust(len("different")), _TONES[one.change])
    yield f"{change}  {one.kind} {paint(one.identity, Tone.STRONG)}{remark}"
    if one.change is Change.DIFFERENT:
        for name in {**one.expected, **one.found}:
            label = "" if name == "definition" else f"{name} "
            yield f"    {label}expected: {_show(one.expected.get(name))}"
            yield f"    {label}found:    {_show(one.found.get(name))}"
    else:
        whole = one.expected or one.found
        yield from (f"    {_show(whole[name])}" for name in _TELLING if name in whole)
    yield from _format_repair(one, paint)


def _show(value: str | None) -> str:
    return "none" if value is None else cut_line(" ".join(value.split()), _VALUE_LENGTH)


def _format_repair(one: DriftDifference, paint: Paint) -> Iterator[str]:
    if not one.repair:
        return
    lines = one.repair.splitlines()
    loses = ", and loses data" if one.is_destructive else ""
    yield f"    {paint('as the history has it', Tone.HELP)}{loses}:"
    yield from (f"        {line}".rstrip() for line in lines[:_REPAIR_LINES])
    if len(lines) > _REPAIR_LINES:
        yield f"        and {count(len(lines) - _REPAIR_LINES, 'line')} more"


def _list_notes(drift: Drift) -> Iterator[str]:
    yield from drift.reordered[:_MOST_SHOWN]
    if drift.partitions:
        named = ", ".join(drift.partitions[:_MOST_PARTITIONS])
        more = len(drift.partitions) - _MOST_PARTITIONS
        rest = f" and {more} more" if more > 0 else ""
        yield f"partitions that no revision made: {named}{rest}"


def _summary(drift: Drift, paint: Paint) -> str:
    replayed = f"{count(drift.revisions, 'revision')} replayed on PostgreSQL {drift.server_version}"
    if not drift.differences:
        return f"{paint('no drift', Tone.GOOD)}, {replayed}"
    number = f"drift: {count(len(drift.differences), 'object')}"
    return (
        f"{paint(number, Tone.ERROR)} not as the history has it, {replayed}; "
        "bring what is meant to stay into a revision, and take back what is not"
    )
