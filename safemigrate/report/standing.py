"""Where a database stands and what was done to it, as text."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from safemigrate.execute import (
    HistoryLine,
    PartialRevision,
    PlannedRevision,
    Standing,
    describe_duration,
    describe_holder,
)
from safemigrate.journal import Entry, Outcome
from safemigrate.model import Direction
from safemigrate.report.excerpt import cut_line
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count

__all__ = ["format_history", "format_status"]

_LABEL_WIDTH = 12
# Enough for what a lock timeout says of the blockers.
_LONGEST_ERROR = 600
_MOST_STATEMENTS = 10


def format_status(standing: Standing, paint: Paint) -> str:
    """Return the report of `status`."""
    current = [*standing.current] or [PlannedRevision("base", "nothing was applied yet")]
    lines = [
        _field("database", [paint(standing.database, Tone.STRONG)]),
        _field("at", [_name(one, paint, standing.unknown) for one in current]),
    ]
    if standing.current != standing.heads:
        lines.append(
            _field("heads" if len(standing.heads) > 1 else "head", _names(standing, paint))
        )
    if standing.pending:
        width = max(len(one.revision) for one in standing.pending)
        rows = [f"{one.revision.ljust(width)}  {one.message}" for one in standing.pending]
        lines.append(_field("pending", [row.rstrip() for row in rows]))
    lines.extend(_field("half done", _describe_partial(one, paint)) for one in standing.partial)
    if standing.runner is not None:
        lines.append(_field("running now", [describe_holder(standing.runner)]))
    if standing.last is not None:
        lines.append(_field("last run", _describe_entry(standing.last.entry, paint)))
    lines.extend(_format_left_over(standing, paint))
    return "\n".join([*lines, "", _summary(standing, paint), ""])


def format_history(lines: Sequence[HistoryLine], paint: Paint) -> str:
    """Return the table of `history`, newest last."""
    if not lines:
        return "the history is empty: safemigrate has not run on this database yet\n"
    head = ("when", "revision", "", "took", "by", "on", "version", "message")
    rows = [_cells(line) for line in lines]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    text = [paint(_row(head, widths), Tone.STRONG)]
    for line, row in zip(lines, rows, strict=True):
        is_failed = line.entry.outcome is Outcome.FAILED
        text.append(paint(_row(row, widths), Tone.ERROR) if is_failed else _row(row, widths))
        if is_failed and line.entry.error:
            text.append(f"    {_shorten(line.entry.error)}")
        if line.entry.committed:
            text.append(
                f"    committed before it failed: {_shorten('; '.join(line.entry.committed))}"
            )
        if line.entry.override:
            text.append(f"    findings overridden: {_shorten(line.entry.override)}")
    failed = sum(line.entry.outcome is Outcome.FAILED for line in lines)
    last = count(len(lines), "run") + (f", {failed} of them failed" if failed else "")
    return "\n".join([*text, "", last, ""])


def _cells(line: HistoryLine) -> tuple[str, ...]:
    entry = line.entry
    took = describe_duration(entry.duration)
    if entry.attempts > 1:
        took += f", {entry.attempts} attempts, {describe_duration(entry.waited)} waiting"
    who = entry.os_user
    if entry.database_user != entry.os_user:
        who += f" as {entry.database_user}"
    what = entry.direction.value
    if entry.outcome is Outcome.FAILED:
        what += " failed"
    return (
        _time(entry.started_at),
        entry.revision,
        what,
        took,
        who,
        entry.host,
        entry.package_version,
        line.message,
    )


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _field(label: str, values: Iterable[str]) -> str:
    first, *rest = values
    return "\n".join(
        (f"{label.ljust(_LABEL_WIDTH)} {first}", *(" " * (_LABEL_WIDTH + 1) + one for one in rest))
    )


def _names(standing: Standing, paint: Paint) -> list[str]:
    return [_name(one, paint, ()) for one in standing.heads] or ["none: there are no revisions"]


def _name(revision: PlannedRevision, paint: Paint, unknown: tuple[str, ...]) -> str:
    name = paint(revision.revision, Tone.STRONG)
    if revision.revision in unknown:
        return f"{name}  {paint('no file here has this revision', Tone.ERROR)}"
    return f"{name}  {revision.message}".rstrip()


def _describe_entry(entry: Entry, paint: Paint) -> list[str]:
    what = f"{entry.direction.value} of {entry.revision}"
    who = f"{entry.os_user} on {entry.host}, {_time(entry.started_at)}"
    took = describe_duration(entry.duration)
    if entry.outcome is Outcome.APPLIED:
        return [f"{what} by {who}, in {took}"]
    return [f"{what} {paint('failed', Tone.ERROR)} by {who}, after {took}", _shorten(entry.error)]


def _describe_partial(partial: PartialRevision, paint: Paint) -> list[str]:
    verb = "applied" if partial.direction is Direction.UPGRADE else "taken back"
    first = f"partly {verb} by a run that failed, and had committed:"
    listed = [f"  {cut_line(line)}" for line in partial.committed[:_MOST_STATEMENTS]]
    rest = len(partial.committed) - len(listed)
    more = [f"  and {count(rest, 'statement')} more"] if rest else []
    return [f"{paint(partial.revision.revision, Tone.ERROR)}  {first}", *listed, *more]


def _format_left_over(standing: Standing, paint: Paint) -> Iterator[str]:
    if standing.invalid_indexes:
        values = []
        for index in standing.invalid_indexes:
            state = "being built" if index.is_being_built else paint("INVALID", Tone.WARNING)
            values.append(f"{index.index} on {index.table}: {state}")
        yield _field("indexes", values)
    if standing.unvalidated_constraints:
        not_valid = paint("NOT VALID", Tone.WARNING)
        yield _field(
            "constraints",
            [
                f"{one.constraint} on {one.table}: {not_valid}"
                for one in standing.unvalidated_constraints
            ],
        )


def _summary(standing: Standing, paint: Paint) -> str:
    if standing.unknown:
        return paint("the database is ahead of the files here", Tone.ERROR)
    if not standing.pending and not standing.partial:
        return paint("up to date", Tone.GOOD)
    pending = paint(f"{count(len(standing.pending), 'revision')} pending", Tone.WARNING)
    if standing.partial:
        half_done = ", ".join(f'"{one.revision.revision}"' for one in standing.partial)
        return (
            f"{pending}; first undo by hand what is committed of {half_done}, or finish it by hand "
            "and set the version with `alembic stamp`"
        )
    return f"{pending}; `safemigrate upgrade` applies them"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_ERROR else text[: _LONGEST_ERROR - 1] + "…"
