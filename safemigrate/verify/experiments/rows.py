"""The upgrade on rows, what up and down does to them, and how many change in one go."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.exc import DBAPIError

from safemigrate.model import Check, Direction, Property, QualifiedName, Standing
from safemigrate.model.secrets import quote_sql
from safemigrate.verify.bench import StepFault
from safemigrate.verify.rows.amounts import find_amounts
from safemigrate.verify.rows.loading import advise_sample, tell_others
from safemigrate.verify.rows.losses import (
    Loss,
    cut_value,
    find_fills,
    find_later_losses,
    find_losses,
    find_reused,
)
from safemigrate.verify.rows.samples import Samples
from safemigrate.verify.rows.tables import Schema, read_tables
from safemigrate.verify.rows.trips import Load, Trip, applies_again_without_rows, travel
from safemigrate.verify.stage import Experiment, Stage, State

__all__ = ["ROWS"]

_APPLIES = Property.APPLIES_ON_ROWS
_KEEPS = Property.KEEPS_ROWS
_FEW = Property.CHANGES_FEW_ROWS
_ALL = (_APPLIES, _KEEPS, _FEW)
_PLACE = re.compile(r"^(?P<path>.*?):(?P<line>\d+): ")
# More than the names of a schema and a table together, as they mostly are; what closes a quote or
# brackets behind it stays.
_LONG_VALUE = re.compile(r"\S{80,}?(?=[\"'),.;:]*(?:\s|$))")
_SHOWN = 20
_SHOWN_WIDTH = 80
_NOT_NULL_VIOLATION = "23502"


def _prove(stage: Stage) -> Iterator[Check]:
    if not stage.touched:
        reason = "it touches no table that was there before"
        yield from (stage.holds(one, reason) for one in _ALL)
        return
    load = Load(stage.choices.rows)
    trip = travel(stage, load)
    if trip.sample_fault is not None:
        reason = f"the project's own rows cannot be inserted: {trip.sample_fault}"
        yield from (stage.unknown(one, reason) for one in _ALL)
        return
    if trip.fails_up:
        load = replace(load, kind_to=_read_schema_after(stage, trip))
        kind = travel(stage, load)
        yield _judge_failure(stage, trip, kind)
        trip = kind
        if trip.fails_up:
            reason = "the upgrade does not apply on rows"
            yield from (stage.unknown(one, reason) for one in (_KEEPS, _FEW))
            return
        back, refusal = _find_way_back(stage, trip, load)
    else:
        back, refusal = _find_way_back(stage, trip, load)
        yield _qualify(stage, _judge_applying(stage, back), trip)
    if _KEEPS in stage.choices.wanted:
        check = _qualify(stage, _judge_keeping(stage, back), back)
        yield _add_refusal(stage, _qualify_later(stage, check, back), refusal)
    if _FEW in stage.choices.wanted:
        yield _qualify(stage, _judge_amounts(stage, trip, load.kind_to), trip)


def _read_schema_after(stage: Stage, trip: Trip) -> Schema:
    with stage.database(State.AFTER) as bench:
        return read_tables(bench.connection, trip.before)


def _qualify(stage: Stage, check: Check, trip: Trip) -> Check:
    """Return the check, UNKNOWN where it held and a table had no rows that could have broken it."""
    unsolved = trip.unsolved()
    if check.standing is not Standing.HOLDS or not unsolved:
        return check
    name, why = min(unsolved.items())
    others = tell_others(len(unsolved) - 1)
    reason = f"no rows could be generated in {name}: {why}{others}"
    return stage.unknown(check.subject, reason, advice=advise_sample(stage))


def _qualify_later(stage: Stage, check: Check, trip: Trip) -> Check:
    """Return the check, UNKNOWN where it held and nothing was written after the upgrade."""
    unwritten = trip.unwritten()
    if check.standing is not Standing.HOLDS or not unwritten:
        return check
    name, why = min(unwritten.items())
    others = tell_others(len(unwritten) - 1)
    return stage.unknown(
        check.subject,
        f"no rows could be generated in {name} after the upgrade: {why}{others}",
        advice=advise_sample(stage, is_after=True),
    )


def _find_way_back(stage: Stage, trip: Trip, load: Load) -> tuple[Trip, StepFault | None]:
    """Return a trip whose downgrade takes the rows, where there is one, and why others do not."""
    fault = trip.fault
    if fault is None or fault.is_refusal or not trip.fails_down:
        return trip, None
    return travel(stage, replace(load, later_kind_to=trip.schema)), fault


def _add_refusal(stage: Stage, check: Check, refusal: StepFault | None) -> Check:
    """Return the check with what the downgrade says to rows that only the new schema takes.

    It loses none of them, so that is no reason to break it; but whoever needs the way back is
    stopped there.
    """
    if refusal is None:
        return check
    reason, line = _describe(refusal, stage.path)
    note = f"the downgrade refuses rows that only the new schema takes: {reason}"
    if check.standing is Standing.HOLDS:
        return replace(check, warning=note, path=stage.path, line=line)
    return replace(check, details=(*check.details, note))


def _judge_applying(stage: Stage, trip: Trip) -> Check:
    """Return the check of an upgrade that applied on rows, by how it applies a second time.

    What fails without rows, too, is what `applies-again` is about.
    """
    fault = trip.fault
    if fault is None or not trip.fails_again or not applies_again_without_rows(stage):
        return stage.holds(_APPLIES, _tell_rows(trip))
    reason, line = _describe(fault, stage.path)
    return stage.broken(
        _APPLIES,
        f"upgraded again on the same rows, it fails: {reason}",
        (_tell_rows(trip),),
        advice="let the downgrade take back what the upgrade wrote, or let the upgrade take rows "
        "that it has changed before",
        line=line,
    )


def _tell_rows(trip: Trip) -> str:
    """Return what it was tried with."""
    told = [
        f"{name} ({len(trip.before[name].rows):,})"
        for name in sorted(trip.touched)
        if name in trip.before
    ]
    more = f" and {len(told) - 3} more" if len(told) > 3 else ""  # noqa: PLR2004 - a short line
    return f"tried with rows in {', '.join(told[:3])}{more}"


def _judge_failure(stage: Stage, trip: Trip, kind: Trip) -> Check:
    """Return the check of an upgrade that fails on rows.

    `kind`: the same with rows that meet the schema after it, too.
    """
    fault = trip.fault
    if fault is None:
        raise AssertionError
    reason, line = _describe(fault, stage.path)
    if kind.fails_up:
        which = "also fails on rows that meet the schema after it"
    else:
        which = "applies where all rows meet the schema after it already"
    samples = Samples(stage.choices.samples)
    return stage.broken(
        _APPLIES,
        f"it fails on rows that the schema before it allows: {reason}",
        (*_point_at_rows(fault, trip), _tell_rows(trip), f"it {which}"),
        advice="change or refuse such rows before, or in the same revision; if there are none, "
        f'show what rows look like in "{samples.name_before(stage.revision)}"'
        f"{samples.how_to_name}; or say how you know: "
        f'"# safemigrate: accept[{_APPLIES.value}] REASON"',
        line=line,
    )


def _describe(fault: StepFault, path: str) -> tuple[str, int]:
    """Return the reason without the place in front, and the line; 1 where it is not known."""
    found = _PLACE.match(fault.reason)
    if found is None or found["path"] != path:
        return _cut_values(fault.reason), 1
    return _cut_values(fault.reason[found.end() :]), int(found["line"])


def _cut_values(message: str) -> str:
    """Return what the server says without all of a long value, such as one of full length."""
    return _LONG_VALUE.sub(lambda found: cut_value(found[0]), message)


def _point_at_rows(fault: StepFault, trip: Trip) -> Iterator[str]:
    """Yield which of the rows break it, as far as the server says; it names keys by itself."""
    diagnosis = _diagnose(fault)
    held = trip.before.get(
        QualifiedName(diagnosis.get("schema_name"), diagnosis.get("table_name") or "")
    )
    if held is None or not held.rows:
        return
    name = diagnosis.get("column_name")
    position = next((at for at, one in enumerate(held.columns) if one.name == name), None)
    if diagnosis.get("sqlstate") == _NOT_NULL_VIOLATION and position is not None:
        empty = [key for key, values in held.rows.items() if values[position] is None]
        if empty:
            shown = ", ".join(map(_show_key, empty[:3]))
            yield f"{held.name}.{name} is NULL in {len(empty)} of {len(held.rows)} rows: {shown}"
    elif diagnosis.get("sqlstate") == _NOT_NULL_VIOLATION:
        yield f"{held.name} has {len(held.rows)} rows, and nothing gives them a value of {name}"


def _show_key(key: tuple[str, ...]) -> str:
    parts = [cut_value(part) for part in key]
    return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"


def _diagnose(fault: StepFault) -> Mapping[str, str | None]:
    """Return what the server says of the error apart from the message; empty for other errors."""
    error: BaseException | None = fault.error
    while error is not None:
        origin: Any = error.orig if isinstance(error, DBAPIError) else error
        diagnosis = getattr(origin, "diag", None)
        if diagnosis is not None:
            names = ("schema_name", "table_name", "column_name", "constraint_name", "sqlstate")
            return {name: getattr(diagnosis, name, None) for name in names}
        error = error.__cause__ or error.__context__
    return {}


def _judge_keeping(stage: Stage, trip: Trip) -> Check:
    fault = trip.fault
    if fault is not None and trip.fails_down:
        if fault.is_refusal or not stage.has_downgrade:
            return stage.unknown(_KEEPS, f"there is no way back to compare: {fault.reason}")
        reason, line = _describe(fault, stage.path)
        return stage.broken(_KEEPS, f"the downgrade fails on rows: {reason}", line=line)
    losses = [
        loss
        for name, before in sorted(trip.before.items())
        for loss in find_losses(before, trip.end.get(name), _find_reused(trip, name))
    ]
    later = [
        loss
        for name, middle in sorted(trip.middle.items())
        for loss in find_later_losses(
            trip.before.get(name),
            trip.upgraded.get(name),
            middle,
            trip.end.get(name),
            trip.again.get(name),
        )
    ]
    new_only = [
        *(f"only the new schema has it: {loss}" for loss in later if loss.is_new_column),
        *(f"only the new schema has it: table {name}" for name in sorted(trip.made)),
    ]
    kept_out = [loss for loss in later if not loss.is_new_column]
    details = [
        *(f"written before the upgrade: {loss}" for loss in losses),
        *(f"written after the upgrade: {loss}" for loss in kept_out),
        *new_only,
        *_tell_fills(trip),
    ]
    if losses or kept_out:
        return stage.broken(
            _KEEPS,
            _sum_up(losses, kept_out),
            details[:_SHOWN],
            advice="let the upgrade keep what the downgrade needs, such as the old column until a "
            "later revision; if nobody needs it, say so: "
            f'"# safemigrate: accept[{_KEEPS.value}] REASON"',
        )
    reason = "the downgrade loses what only the new schema has" if new_only else ""
    return stage.holds(_KEEPS, reason or _tell_rows(trip), details[:_SHOWN])


def _tell_fills(trip: Trip) -> Iterator[str]:
    for name, before in sorted(trip.before.items()):
        yield from map(str, find_fills(before, trip.end.get(name), _find_reused(trip, name)))


def _find_reused(trip: Trip, name: QualifiedName) -> frozenset[tuple[str, ...]]:
    return find_reused(trip.before[name], trip.upgraded.get(name), trip.middle.get(name))


def _sum_up(losses: list[Loss], later: list[Loss]) -> str:
    """Return one line that names what is lost first."""
    first = (losses or later)[0]
    when = "written before the upgrade" if losses else "written after the upgrade"
    where = str(first.table) if first.column is None else f"{first.table}.{first.column}"
    what = "rows" if first.column is None else "values"
    more = len(losses) + len(later) - 1
    places = "1 other place" if more == 1 else f"{more} other places"
    others = f", and more in {places}" if more else ""
    return f"up and down loses {what} of {where} {when}{others}"


def _judge_amounts(stage: Stage, trip: Trip, kind_to: Schema | None) -> Check:
    limit = stage.choices.most_rows_changed
    if trip.schema is None:
        raise AssertionError
    counts = {name: len(held.rows) for name, held in trip.before.items()}
    amounts = find_amounts(stage, trip.statements, counts, trip.schema, kind_to)
    if amounts.fault is not None:
        return stage.unknown(
            _FEW, f"with {amounts.tried:,} rows in a table: {amounts.fault.reason}"
        )
    if not amounts.excessive and amounts.unseen:
        one = amounts.unseen[0]
        return stage.unknown(
            _FEW,
            f"{one.vanished:,} rows of {one.table} are deleted by a statement that may commit in "
            "between, and how many at once is not to be seen where they are gone: "
            f"{quote_sql(one.statement.sql, _SHOWN_WIDTH)}",
            advice="delete each batch with a statement of its own in an autocommit block, or say "
            f'how you know: "# safemigrate: accept[{_FEW.value}] REASON"',
        )
    if not amounts.excessive:
        told = f"at most {amounts.largest:,} rows in one statement" if amounts.largest else ""
        return stage.holds(_FEW, told or "no statement changes rows that were there before")
    first = amounts.excessive[0]
    way = "downgrade" if first.statement.direction is Direction.DOWNGRADE else "upgrade"
    what = f"{first.rows:,} rows of {first.table}"
    if first.is_every_row:
        what = f"every row of {first.table} that is there (all of the {first.rows:,} generated)"
    return stage.broken(
        _FEW,
        f"one statement of the {way} changes {what}, and {limit:,} at a time are allowed: "
        f"{quote_sql(first.statement.sql, _SHOWN_WIDTH)}",
        [
            f"line {one.statement.line}: {one.rows:,} rows of {one.table}"
            for one in amounts.excessive
        ],
        advice="change a few thousand rows at a time, each batch in a transaction of its own: in "
        "the next revision or an autocommit block; or allow more with max-rows-changed in the "
        f'configuration, or say why it may: "# safemigrate: accept[{_FEW.value}] REASON"',
        line=first.statement.line,
    )


ROWS = Experiment(_ALL, _prove)
