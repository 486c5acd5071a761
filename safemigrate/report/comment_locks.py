"""What each statement of a revision does to what is there, as a table in Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from safemigrate.model import (
    Certainty,
    Direction,
    ExplainedStatement,
    Lock,
    LockMode,
    Passage,
    QualifiedName,
    blocked_commands,
)
from safemigrate.report.excerpt import cut_line, one_line
from safemigrate.report.markdown_text import code_span
from safemigrate.report.wording import count

__all__ = ["find_strongest", "tabulate_locks"]

_MOST_ROWS = 30
_SQL_WIDTH = 60
_HEAD = (
    "| line | statement | lock | on | rewrites | scans | waiting meanwhile | sure |",
    "|---:|---|---|---|:---:|:---:|---|---|",
)
_EVERYTHING = blocked_commands(LockMode.ACCESS_EXCLUSIVE)


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a statement does to a relation that was there before; `mode`: None for no lock on it."""

    relation: QualifiedName
    mode: LockMode | None
    is_rewritten: bool
    is_scanned: bool


def tabulate_locks(passages: Iterable[Passage], direction: Direction) -> list[str]:
    """Return the lines of the table, and a line that counts what does not stand in it.

    A row is what a statement does to one relation that was there before. No lines where there is
    no statement in that direction.
    """
    statements = [
        one for passage in passages if passage.direction is direction for one in passage.statements
    ]
    if not statements:
        return []
    rows = [row for one in statements for row in _write_rows(one)]
    harmless = sum(not _list_effects(one) and not _is_open(one) for one in statements)
    lines = [*_HEAD, *rows[:_MOST_ROWS]] if rows else []
    after = []
    if len(rows) > _MOST_ROWS:
        after.append(f"And {count(len(rows) - _MOST_ROWS, 'row')} more.")
    if harmless:
        verb = "locks" if harmless == 1 else "lock"
        counted = count(harmless, "more statement" if rows else "statement")
        after.append(f"{counted} {verb} nothing that was there before.")
    return [*lines, *([""] if lines and after else []), *([" ".join(after)] if after else [])]


def find_strongest(passages: Iterable[Passage]) -> str:
    """Return the strongest lock of the upgrade on what was there before, `none` for no lock."""
    locks = [
        lock
        for passage in passages
        if passage.direction is Direction.UPGRADE
        for one in passage.statements
        for lock in one.facts.locks
        if lock.is_preexisting
    ]
    if not locks:
        return "none"
    strongest: Lock = max(locks, key=lambda lock: lock.mode)
    relations = {lock.relation for lock in locks if lock.mode is strongest.mode}
    more = f" and {len(relations) - 1} more" if len(relations) > 1 else ""
    return f"{strongest.mode.value} on {code_span(one_line(str(strongest.relation)))}{more}"


def _write_rows(explained: ExplainedStatement) -> Iterator[str]:
    statement = explained.statement
    begin = f"| {statement.span.line} | {code_span(cut_line(statement.sql, _SQL_WIDTH))} "
    sure = _describe_certainty(explained)
    for effect in _list_effects(explained):
        waiting = () if effect.mode is None else blocked_commands(effect.mode)
        cells = (
            "" if effect.mode is None else effect.mode.value,
            code_span(one_line(str(effect.relation))),
            "yes" if effect.is_rewritten else "",
            "yes" if effect.is_scanned else "",
            _describe_waiting(waiting),
            sure,
        )
        yield f"{begin}| {' | '.join(cells)} |"
        begin = "| | "
    if not _list_effects(explained) and _is_open(explained):
        reason = "refused" if explained.syntax_error else "?"
        yield f"{begin}| {reason} | | | | | {sure} |"


def _list_effects(explained: ExplainedStatement) -> Sequence[_Effect]:
    facts = explained.facts
    modes = {lock.relation: lock.mode for lock in facts.locks if lock.is_preexisting}
    relations = dict.fromkeys((*modes, *facts.rewrites, *facts.scans))
    return [
        _Effect(one, modes.get(one), one in facts.rewrites, one in facts.scans) for one in relations
    ]


def _is_open(explained: ExplainedStatement) -> bool:
    """Return whether it may do more than is known."""
    return bool(explained.syntax_error) or explained.facts.certainty is Certainty.UNKNOWN


def _describe_waiting(commands: tuple[str, ...]) -> str:
    if commands == _EVERYTHING:
        return "all, SELECT too"
    return ", ".join(commands) or "nothing"


def _describe_certainty(explained: ExplainedStatement) -> str:
    if explained.syntax_error:
        return "syntax error"
    return explained.facts.certainty.value
