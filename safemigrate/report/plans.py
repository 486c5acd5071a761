"""The plan of a run, as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safemigrate.catalog.figures import Replica
from safemigrate.gate import Decision
from safemigrate.model import Direction, ServerVersion
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.plan import (
    Course,
    Estimate,
    Proceeding,
    RelationPlan,
    Resumption,
    RevisionPlan,
    StatementPlan,
)
from safemigrate.report.excerpt import cut_line, hide_controls, one_line
from safemigrate.report.sizes import show_rows, show_seconds, show_size
from safemigrate.report.tone import Paint, Tone
from safemigrate.report.wording import count, enumerate_words

__all__ = ["PlanReport", "format_plan", "show_estimate"]

# A table with a thousand partitions locks them all.
_MOST_RELATIONS = 6
_MOST_HOLDERS = 3


@dataclass(frozen=True, slots=True)
class PlanReport:
    """The plan of a run, what it was drawn up for, and what the gate says.

    `heads`: the revisions that the database is at. `replicas`: those that the server feeds.
    """

    database: str
    server_version: ServerVersion
    direction: Direction
    heads: tuple[str, ...]
    revisions: tuple[RevisionPlan, ...]
    decision: Decision
    replicas: tuple[Replica, ...] = ()


def format_plan(report: PlanReport, paint: Paint) -> str:
    """Return the plan with what the gate says at its end."""
    name = paint(report.database, Tone.STRONG)
    place = ", ".join(report.heads) or "base"
    first = f"{name} (PostgreSQL {report.server_version}) is at {place}"
    if not report.revisions:
        notes = "".join(f"{line}\n" for line in _format_notices(report.decision, paint))
        return f"{first}\n\nnothing to do\n{notes}"
    blocks = [first]
    blocks.extend(
        "\n".join(_format_revision(revision, report.direction, paint))
        for revision in report.revisions
    )
    blocks.append("\n".join((*_format_decision(report.decision, paint), *_format_lag(report))))
    blocks.append(_summary(report, paint))
    return "\n\n".join(blocks) + "\n"


def show_estimate(estimate: Estimate) -> str:
    """Return `a moment`, `about 3 s`, `up to 3 s` or `at least 3 s`."""
    text = show_seconds(estimate.seconds)
    if estimate.is_least:
        return f"at least {text}"
    if text == "a moment":
        return text
    return f"up to {text}" if estimate.is_most else f"about {text}"


def _format_revision(revision: RevisionPlan, direction: Direction, paint: Paint) -> Iterator[str]:
    migration = revision.passage.migration
    name = paint(migration.revision or hide_controls(migration.path), Tone.STRONG)
    yield f"{direction.value} {name}  {one_line(migration.message)}".rstrip()
    if revision.obstacle is not None:
        yield f"    {paint('stops here', Tone.ERROR)}: {one_line(revision.obstacle.text)}"
        yield f"      {one_line(revision.obstacle.advice)}"
    if not revision.statements:
        yield "    sends no statement"
    for statement in revision.statements:
        yield from _format_statement(statement, paint)
    if words := _describe_resumption(revision.resumption):
        yield f"    when it is cut off: {words}"


def _describe_resumption(resumption: Resumption) -> str:
    """Return where the revision goes on, "" where it begins anew, as one would think."""
    match resumption:
        case Resumption.WHOLE:
            return ""
        case Resumption.STATEMENTS:
            return "goes on after the last statement that is done"
        case Resumption.BOUNDARIES:
            return "reads data, so it goes on after its last commit"


def _format_statement(plan: StatementPlan, paint: Paint) -> Iterator[str]:
    statement = plan.explained.statement
    number = statement.transaction
    where = "no transaction" if number is None else f"transaction {number}"
    place = f"{hide_controls(statement.path)}:{statement.span.line}"
    yield f"  {statement.ordinal:>2}  {paint(place, Tone.FRAME)}  {where}"
    yield f"      {cut_line(hide_sql_passwords(statement.sql))}"
    if plan.explained.syntax_error:
        yield f"      {paint('not understood', Tone.WARNING)}: {plan.explained.syntax_error}"
    for relation in plan.relations[:_MOST_RELATIONS]:
        yield f"      {_describe_relation(relation, plan)}"
        for holder in relation.holders[:_MOST_HOLDERS]:
            word = paint("held now", Tone.WARNING)
            end = ", which PostgreSQL ends for it" if holder.gives_way else ""
            yield f"        {word} with {holder.mode.value} by {one_line(holder.words)}{end}"
        if rest := len(relation.holders) - _MOST_HOLDERS:
            yield from [f"        and by {rest} more"] if rest > 0 else []
    if (rest := len(plan.relations) - _MOST_RELATIONS) > 0:
        yield f"      and {count(rest, 'relation')} more"
    holders = [one for relation in plan.relations for one in relation.holders]
    is_vacuumed = bool(holders) and all(one.gives_way for one in holders)
    proceeding = _describe_proceeding(plan.proceeding, is_vacuumed=is_vacuumed)
    yield f"      → {proceeding}{_describe_time(plan, paint)}"


def _describe_relation(relation: RelationPlan, plan: StatementPlan) -> str:
    parts = [] if relation.mode is None else [relation.mode.value]
    if relation.is_new:
        parts.append("new")
    if relation.is_rewritten:
        parts.append("rewritten")
    elif relation.is_scanned:
        parts.append("read to its end")
    if not plan.is_sure:
        parts.append("not sure")
    if relation.size_bytes is not None:
        parts.append(show_size(relation.size_bytes))
    if relation.rows is not None:
        parts.append(show_rows(relation.rows))
    return f"{hide_controls(str(relation.relation))}: {', '.join(parts)}"


def _describe_proceeding(proceeding: Proceeding, *, is_vacuumed: bool) -> str:
    """Return what is done; `is_vacuumed`: nobody but autovacuum holds what it needs."""
    match proceeding.course:
        case Course.AT_ONCE:
            text = "runs at once"
        case Course.LOOK_THEN_LOCK:
            text = _describe_locking(proceeding, is_vacuumed=is_vacuumed)
        case Course.LOCKED_ALREADY:
            text = "runs under the locks that its transaction has by then"
        case Course.SUPERVISED:
            text = "runs beside the application, watched"
        case Course.BY_PARTITION:
            text = "runs beside the application, watched, a partition after the other"
        case Course.DONE_BEFORE:
            text = "skipped, for an earlier run has done it"
    if proceeding.waits_for_snapshots:
        text += "; ends when the transactions that were open before have ended"
    return text


def _describe_locking(proceeding: Proceeding, *, is_vacuumed: bool) -> str:
    text = "waits beside the queue until nobody holds what it needs, then locks"
    if is_vacuumed:
        text = "has PostgreSQL end the autovacuum, then locks"
    if len(proceeding.together) > 1:
        names = [hide_controls(str(name)) for name in proceeding.together]
        shown = [*names[:_MOST_RELATIONS]]
        if rest := len(names) - len(shown):
            shown.append(f"{rest} more")
        text += f", all at once for its transaction: {enumerate_words(shown)}"
    return text


def _describe_time(plan: StatementPlan, paint: Paint) -> str:
    if plan.work is None:
        return ""
    if plan.hold is None:
        return _describe_work(plan.work, plan.row_hold, paint)
    text = f"others wait for {show_estimate(plan.hold)}"
    return f"; {paint(text, Tone.WARNING) if plan.hold.seconds >= 1 else text}"


def _describe_work(work: Estimate, row_hold: Estimate | None, paint: Paint) -> str:
    """Return how long it takes, and how long its rows are locked, where that is long."""
    text = f"; takes {show_estimate(work)}" if _is_long(work) else ""
    if row_hold is not None and _is_long(row_hold):
        wait = paint(show_estimate(row_hold), Tone.WARNING)
        text += f"; who changes the same rows waits for {wait}"
    return text


def _is_long(estimate: Estimate) -> bool:
    return estimate.seconds >= 1 or estimate.is_least


def _format_decision(decision: Decision, paint: Paint) -> Iterator[str]:
    if decision.refused:
        yield f"gate: {paint('refuses', Tone.ERROR)}"
    elif decision.overridden:
        yield f"gate: {paint('allows, overridden', Tone.WARNING)}"
    else:
        yield f"gate: {paint('allows', Tone.GOOD)}"
    for one in decision.refused:
        yield f"  {paint(one.kind.value, Tone.ERROR)}: {one.text}"
        yield f"    {one.advice}"
        yield f"    to override: {one.option}"
    for one, reason in decision.overridden:
        yield f"  {paint(one.kind.value, Tone.WARNING)}: {one.text}; overridden: {reason}"
    yield from _format_notices(decision, paint)


def _format_notices(decision: Decision, paint: Paint) -> Iterator[str]:
    for notice in decision.notices:
        yield f"  {paint('note', Tone.INFO)}: {notice}"


def _format_lag(report: PlanReport) -> Iterator[str]:
    for one in report.replicas:
        if not one.is_visible:
            behind = "how far it is behind the role may not see"
        elif one.lag_seconds is not None:
            behind = f"{one.lag_seconds:.3g} s behind"
        elif one.lag_bytes is not None:
            behind = f"{show_size(one.lag_bytes)} behind"
        else:
            behind = "how far it is behind is not known"
        yield f"replica {hide_controls(one.name)}: {behind}"


def _summary(report: PlanReport, paint: Paint) -> str:
    statements = [one for revision in report.revisions for one in revision.statements]
    holds = [one.hold for one in statements if one.hold is not None]
    text = f"{count(len(report.revisions), 'revision')}, {count(len(statements), 'statement')}"
    if holds:
        longest = max(holds, key=lambda one: one.seconds)
        text += f"; longest wait for others: {show_estimate(longest)}"
    if any(one.obstacle for one in report.revisions):
        text += f"; {paint(f'{report.direction.value} would stop', Tone.ERROR)}"
    if number := _count_holders(statements):
        held = f"{count(number, 'session')} in the way now"
        text += f"; {paint(held, Tone.WARNING)}"
    return text


def _count_holders(statements: Sequence[StatementPlan]) -> int:
    return len(
        {
            holder.pid
            for one in statements
            for relation in one.relations
            for holder in relation.holders
        }
    )
