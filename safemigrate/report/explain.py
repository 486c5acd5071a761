"""What each statement of a history does, as text."""

from collections.abc import Iterator

from safemigrate.model import (
    Certainty,
    Direction,
    ExplainedStatement,
    LockMode,
    Passage,
    Timeline,
    Unjudged,
    blocked_commands,
)
from safemigrate.report.excerpt import cut_line, one_line
from safemigrate.report.findings import format_unjudged
from safemigrate.report.tone import Paint, Tone, leave_plain
from safemigrate.report.wording import count, enumerate_words

__all__ = ["format_explanation"]

_LABEL = len("certainty")


def format_explanation(
    timeline: Timeline,
    *,
    paths: frozenset[str] | None = None,
    unjudged: tuple[Unjudged, ...] = (),
    paint: Paint = leave_plain,
) -> str:
    """Return one block a statement and the totals in the last line.

    `paths`: explain only the migrations there; None means all. `unjudged`: what could not be
    recorded or understood in them.
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
    yield (
        f"{paint(f'{statement.path}:{statement.span.line}', Tone.STRONG)}   {function}"
        f"statement {statement.ordinal} of {len(passage.statements)}, {transaction}"
    )
    yield f"    {cut_line(statement.sql)}"
    for label, lines, tone in _list_facts(explained):
        for position, line in enumerate(lines):
            name = label if position == 0 else ""
            yield f"    {paint(name.ljust(_LABEL), tone)}  {line}"


def _list_facts(explained: ExplainedStatement) -> Iterator[tuple[str, list[str], Tone]]:
    """Yield what the statement does: a label, its lines, and how it stands out."""
    facts = explained.facts
    locks = [
        f"{lock.mode.value} on {lock.relation}{'' if lock.is_preexisting else ' (new)'}"
        for lock in facts.locks
    ]
    if explained.syntax_error:
        yield "refused", [f"syntax error: {one_line(explained.syntax_error)}"], Tone.ERROR
    elif facts.errors:
        yield "refused", [one_line(reason) for reason in facts.errors], Tone.ERROR
    if not explained.syntax_error:
        yield "locks", locks or ["none on a relation"], Tone.FRAME
    yield "rewrites", [str(relation) for relation in facts.rewrites], Tone.WARNING
    yield "scans", [str(relation) for relation in facts.scans], Tone.WARNING
    yield "blocks", _list_blocked(explained), Tone.WARNING
    if facts.certainty is not Certainty.KNOWN:
        yield "certainty", [_CERTAINTY[facts.certainty]], Tone.WARNING


_CERTAINTY = {
    Certainty.ASSUMED: "assumed: recorded after an answer of the database that was assumed",
    Certainty.UNKNOWN: "unknown: it depends on something the history does not show; "
    "the stronger possibility is stated",
}


def _list_blocked(explained: ExplainedStatement) -> list[str]:
    """Return for each relation that was there before which commands wait."""
    return [
        f"{', '.join(commands)} on {lock.relation}"
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
