"""What each statement of a history does, as text."""

from collections.abc import Iterator

from safemigrate.model import (
    Assumption,
    Certainty,
    Direction,
    ExplainedStatement,
    Facts,
    LockMode,
    Passage,
    Timeline,
    Unjudged,
    blocked_commands,
)
from safemigrate.report.excerpt import cut_line, hide_controls, one_line
from safemigrate.report.findings import format_assumptions, format_unjudged
from safemigrate.report.tone import Paint, Tone, leave_plain
from safemigrate.report.wording import count, enumerate_words

__all__ = ["format_explanation"]

_LABEL = len("certainty")


def format_explanation(
    timeline: Timeline,
    *,
    paths: frozenset[str] | None = None,
    unjudged: tuple[Unjudged, ...] = (),
    assumptions: tuple[Assumption, ...] = (),
    paint: Paint = leave_plain,
) -> str:
    """Return one block a statement and the totals in the last line.

    `paths`: explain only the migrations there; None means all. `unjudged`: what could not be
    recorded or understood in them. `assumptions`: what the recording of them had to assume.
    """
    passages = [
        passage for passage in timeline.passages if paths is None or passage.migration.path in paths
    ]
    blocks = [
        "\n".join(_format_statement(passage, explained, paint))
        for passage in passages
        for explained in passage.statements
    ]
    notes = [f"{paint('note', Tone.INFO)}: {one_line(notice)}" for notice in timeline.notices]
    if notes:
        blocks.append("\n".join(notes))
    if assumptions:
        blocks.append("\n".join(format_assumptions(assumptions, paint)))
    if unjudged:
        blocks.append("\n".join(format_unjudged(unjudged, paint)))
    blocks.append(_format_totals(passages, unjudged))
    return "\n\n".join(blocks) + "\n"


def _format_statement(
    passage: Passage, explained: ExplainedStatement, paint: Paint
) -> Iterator[str]:
    """Yield the lines of one statement."""
    statement = explained.statement
    function = "" if statement.revision is None else f"{statement.direction.value}(), "
    transaction = (
        "no transaction"
        if statement.transaction is None
        else f"transaction {statement.transaction}"
    )
    place = f"{hide_controls(statement.path)}:{statement.span.line}"
    yield (
        f"{paint(place, Tone.STRONG)}   {function}"
        f"statement {statement.ordinal} of {len(passage.statements)}, {transaction}"
        f"{f', sent by {hide_controls(statement.helper)}' if statement.helper else ''}"
    )
    yield f"    {cut_line(statement.sql)}"
    for label, lines, tone in _list_facts(explained):
        for position, line in enumerate(lines):
            name = label if position == 0 else ""
            yield f"    {paint(name.ljust(_LABEL), tone)}  {line}"


def _list_facts(explained: ExplainedStatement) -> Iterator[tuple[str, list[str], Tone]]:
    """Yield what the statement does: a label, its lines, and how it stands out."""
    facts = explained.facts
    if explained.syntax_error:
        yield "refused", [_describe_syntax_error(explained.syntax_error)], Tone.ERROR
        return
    if facts.errors:
        yield "refused", [one_line(reason) for reason in facts.errors], Tone.ERROR
    yield "locks", _list_locks(facts), Tone.FRAME
    yield "rewrites", [one_line(str(relation)) for relation in facts.rewrites], Tone.WARNING
    yield "scans", [one_line(str(relation)) for relation in facts.scans], Tone.WARNING
    yield "blocks", _list_blocked(explained), Tone.WARNING
    if facts.certainty is not Certainty.KNOWN:
        yield "certainty", [_describe_certainty(explained)], Tone.WARNING


def _describe_syntax_error(message: str) -> str:
    shown = one_line(message)
    return shown if shown.startswith("syntax error") else f"syntax error: {shown}"


def _list_locks(facts: Facts) -> list[str]:
    if not facts.locks:
        is_open = facts.certainty is Certainty.UNKNOWN
        return ["none that is known" if is_open else "none on a relation"]
    return [
        one_line(f"{lock.mode.value} on {lock.relation}{'' if lock.is_preexisting else ' (new)'}")
        for lock in facts.locks
    ]


def _describe_certainty(explained: ExplainedStatement) -> str:
    facts = explained.facts
    if facts.certainty is Certainty.ASSUMED:
        if explained.statement.is_assumed and explained.statement.is_literal:
            return "assumed: what its placeholders stand for is not known"
        if explained.statement.is_assumed:
            return "assumed: recorded after an answer of the database that was assumed"
        return "assumed: a part of it stands under a condition, and may not run"
    reason = "unknown: it depends on something the history does not show"
    if not (facts.locks or facts.rewrites or facts.scans):
        return reason
    return f"{reason}; the stronger possibility is stated"


def _list_blocked(explained: ExplainedStatement) -> list[str]:
    """Return for each relation that was there before which commands wait."""
    return [
        one_line(f"{', '.join(commands)} on {lock.relation}")
        for lock in explained.facts.locks
        if lock.is_preexisting and (commands := blocked_commands(lock.mode))
    ]


def _format_totals(passages: list[Passage], unjudged: tuple[Unjudged, ...]) -> str:
    """Return the last line."""
    statements = [explained for passage in passages for explained in passage.statements]
    exclusive = sum(
        any(
            lock.is_preexisting and lock.mode is LockMode.ACCESS_EXCLUSIVE
            for lock in explained.facts.locks
        )
        for explained in statements
    )
    rewriting = sum(bool(explained.facts.rewrites) for explained in statements)
    scanning = sum(bool(explained.facts.scans) for explained in statements)
    refused = sum(
        bool(explained.syntax_error or explained.facts.errors) for explained in statements
    )
    migrations = sum(passage.direction is Direction.UPGRADE for passage in passages)
    counted = [
        f"{number} with {what}"
        for number, what in (
            (exclusive, "ACCESS EXCLUSIVE on a relation that was there before"),
            (rewriting, "a rewrite"),
            (scanning, "a scan"),
            (refused, "an error of the server"),
        )
        if number
    ]
    return (
        f"Explained {count(len(statements), 'statement')} in {count(migrations, 'migration')}"
        f"{': ' if counted else ''}{enumerate_words(counted)}."
        f"{f' {len(unjudged)} not judged.' if unjudged else ''}"
    )
