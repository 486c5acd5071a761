"""Where a database stands, as text."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from safemigrate.execute import (
    HistoryLine,
    Lease,
    PartialRevision,
    PlannedRevision,
    Standing,
    describe_duration,
    describe_holder,
)
from safemigrate.journal import Decision, Outcome, Resolution, StatementState
from safemigrate.model import Direction
from safemigrate.report.excerpt import cut_line, one_line
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count

__all__ = ["format_resolution", "format_status"]

_LABEL_WIDTH = 12
# Enough for what a lock timeout says of the blockers.
_LONGEST_ERROR = 600
_MOST_STATEMENTS = 10


def format_status(standing: Standing, paint: Paint, *, fork: str = "") -> str:
    """Return the report of `status`; `fork` says why upgrade refuses what is pending, or is ""."""
    current = [*standing.current] or [PlannedRevision("base", _describe_base(standing))]
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
    if standing.cut_off is not None and (standing.pending or standing.partial):
        lines.append(_field("cut off", _describe_cut_off(standing.cut_off)))
    if standing.runner is not None:
        lines.append(_field("running now", [describe_holder(standing.runner)]))
    if standing.last is not None:
        lines.append(_field("last run", _describe_entry(standing.last, paint)))
    lines.extend(_format_left_over(standing, paint))
    return "\n".join([*lines, "", _summary(standing, paint, fork), ""])


def _describe_base(standing: Standing) -> str:
    """Return why the database is at no revision, as far as the history says."""
    if standing.is_history_hidden:
        return "nothing is applied"
    if standing.last is None:
        return "nothing was applied yet"
    is_taken_back = (
        standing.last.entry.direction is Direction.DOWNGRADE
        and standing.last.entry.outcome is Outcome.APPLIED
    )
    return "everything was taken back" if is_taken_back else "nothing is applied"


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


def _describe_entry(line: HistoryLine, paint: Paint) -> list[str]:
    entry = line.entry
    what = f"{entry.direction.value} of {entry.revision}"
    who = f"{entry.os_user} on {entry.host}, {_time(entry.started_at)}"
    took = describe_duration(entry.duration)
    if entry.outcome is Outcome.APPLIED:
        earlier = f", begun {_time(line.resumed.begun_at)}" if line.resumed is not None else ""
        return [f"{what} by {who}, in {took}{earlier}"]
    return [f"{what} {paint('failed', Tone.ERROR)} by {who}, after {took}", _shorten(entry.error)]


def _describe_partial(partial: PartialRevision, paint: Paint) -> list[str]:
    verb = "applied" if partial.direction is Direction.UPGRADE else "taken back"
    if partial.resumes_after is not None:
        return _describe_progress(partial, verb, paint)
    first = f"partly {verb} by a run that failed, and had committed:"
    listed = [f"  {cut_line(line)}" for line in partial.committed[:_MOST_STATEMENTS]]
    rest = len(partial.committed) - len(listed)
    more = [f"  and {count(rest, 'statement')} more"] if rest else []
    return [f"{paint(partial.revision.revision, Tone.ERROR)}  {first}", *listed, *more]


def _describe_cut_off(lease: Lease) -> list[str]:
    """Return what a runner was doing that has not come to its end."""
    who = f"{lease.os_user} on {lease.host}"
    when = f"at work since {_time(lease.since)}, last heard of {_time(lease.renewed_at)}"
    return [f"{one_line(lease.doing)}", f"by {who}, {when}"]


def _describe_progress(partial: PartialRevision, verb: str, paint: Paint) -> list[str]:
    """Return the lines of a revision that goes on where it was cut off."""
    name = partial.revision.revision
    first = f"partly {verb}, and goes on after statement {partial.resumes_after}:"
    left_out = max(len(partial.statements) - _MOST_STATEMENTS, 0)
    lines = [f"{paint(name, Tone.WARNING)}  {first}"]
    if left_out:
        lines.append(f"  {count(left_out, 'statement')} done, then")
    for one in partial.statements[left_out:]:
        line = cut_line(" ".join(one.sql.split()))
        is_begun = one.state is StatementState.BEGUN
        state = paint("  begun, and done or not", Tone.ERROR) if is_begun else ""
        lines.append(f"  {one.ordinal}  {line}{state}")
    lines.append(f"  begun {_time(partial.statements[0].started_at)}")
    if partial.in_doubt:
        ordinal = partial.in_doubt[0].ordinal
        lines.append("  the next run looks in the catalog whether it is done; where that does not")
        lines.append(
            f"  show it, say so: safemigrate resolve {name} --statement {ordinal} "
            "--done|--not-done --reason …"
        )
    return lines


def format_resolution(resolution: Resolution) -> str:
    """Return the report of `resolve`."""
    name = f'revision "{resolution.revision}"'
    match resolution.decision:
        case Decision.FORGET:
            return f"{name} begins anew at the next run: what was done of it does not count\n"
        case Decision.DONE:
            what = "counts as done, and is skipped"
        case Decision.NOT_DONE:
            what = "counts as not done, and is sent again"
    ordinal = 0 if resolution.statement is None else resolution.statement.ordinal
    return f"statement {ordinal} of {name} {what} at the next run\n"


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


def _summary(standing: Standing, paint: Paint, fork: str) -> str:
    if standing.unknown:
        return paint("the database is ahead of the files here", Tone.ERROR)
    if not standing.pending and not standing.partial:
        return paint("up to date", Tone.GOOD)
    pending = paint(f"{count(len(standing.pending), 'revision')} pending", Tone.WARNING)
    stuck = [one for one in standing.partial if one.resumes_after is None]
    if standing.partial and not stuck:
        if any(one.direction is Direction.DOWNGRADE for one in standing.partial):
            return f"{pending}; run the same command again, and it goes on where it was cut off"
        if fork:
            return _refused(pending, fork)
        return f"{pending}; `safemigrate upgrade` goes on where it was cut off"
    if stuck:
        half_done = ", ".join(f'"{one.revision.revision}"' for one in stuck)
        return (
            f"{pending}; first undo by hand what is committed of {half_done}, or finish it by hand "
            "and set the version with `alembic stamp`"
        )
    if fork:
        return _refused(pending, fork)
    them = "it" if len(standing.pending) == 1 else "them"
    return f"{pending}; `safemigrate upgrade` applies {them}"


def _refused(pending: str, fork: str) -> str:
    return f"{pending}; `safemigrate upgrade` refuses, for {fork}; `safemigrate plan` says more"


def _time(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_ERROR else text[: _LONGEST_ERROR - 1] + "…"
