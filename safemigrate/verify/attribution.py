"""Which statement of a revision did something: what each one sends, where, and what it locks."""

from collections.abc import Iterable
from dataclasses import dataclass

from safemigrate.model import Direction, QualifiedName
from safemigrate.verify.stage import Stage

__all__ = ["SentStatement", "find_sent", "list_sent"]


@dataclass(frozen=True, slots=True)
class SentStatement:
    """One statement of an upgrade; `line`: of the revision's file. `relations`: what it locks."""

    sql: str
    line: int
    relations: tuple[QualifiedName, ...]


def list_sent(stage: Stage) -> tuple[SentStatement, ...]:
    """Return the statements of the upgrade as they were observed, or else are foreseen.

    Empty where nobody observed them and the revision cannot be recorded.
    """
    observed = [one for one in stage.statements if one.direction is Direction.UPGRADE]
    if observed:
        return tuple(
            SentStatement(one.sql, one.line, tuple(lock.relation for lock in one.locks))
            for one in observed
        )
    passage = stage.foreseen(Direction.UPGRADE)
    return tuple(
        SentStatement(
            one.statement.sql,
            one.statement.span.line,
            tuple(lock.relation for lock in one.facts.locks),
        )
        for one in (() if passage is None else passage.statements)
    )


def find_sent(
    sent: Iterable[SentStatement], relations: Iterable[QualifiedName]
) -> tuple[SentStatement, ...]:
    """Return the statements that lock one of the relations, in any schema where none is said."""
    wanted = tuple(relations)
    return tuple(
        one
        for one in sent
        if any(
            name.name == other.name and name.schema in {None, other.schema}
            for name in wanted
            for other in one.relations
        )
    )
