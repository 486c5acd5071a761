"""What a statement that is about to be sent does, and what the rest of its transaction will."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from safemigrate.facts import join_facts, walk
from safemigrate.model import (
    ExplainedStatement,
    Facts,
    History,
    Lock,
    Migration,
    Passage,
    QualifiedName,
    Span,
    Statement,
)
from safemigrate.sql import split_statements

__all__ = ["Foreseen", "Foresight"]

# SQLAlchemy says the type of a bound value to a driver that wants it, and not to the recording.
_BOUND_TYPE = re.compile(r"(\$\d+)::[A-Z][A-Z_ ]*(?:\([\d, ]+\))?(?:\[\])*")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a text does that is about to be sent; it may hold several statements.

    `facts`: of all of them. `ahead`: for every relation that was there before the revision began,
    the strongest lock that this text or the rest of its transaction takes, by name.
    `is_expected`: the revision was seen, when it was recorded, to send it here.
    """

    statements: tuple[ExplainedStatement, ...]
    facts: Facts
    ahead: tuple[Lock, ...]
    is_expected: bool


class Foresight:
    """Goes along one run of a revision, from a text to the next.

    `passage`: what the revision was seen to do when it was recorded, over the schema that the
    server has. What it sends beside that is read when it comes.
    """

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        self._recorded = [_without_types(one.statement.sql) for one in passage.statements]
        self._position = 0
        self._catalog = passage.before

    def look(self, sql: str, *, is_autocommit: bool) -> Foreseen:
        """Return what the text does, and go on behind it.

        `sql`: as recorded, with `$1` for bound values. `is_autocommit`: it runs outside of a
        transaction.
        """
        texts = [_without_types(statement.sql) for statement in split_statements(sql)]
        start = self._find(texts)
        if start is None:
            return self._read(sql, is_autocommit=is_autocommit)
        end = self._position = start + len(texts)
        statements = self._passage.statements[start:end]
        later = self._passage.statements[end:]
        self._catalog = next(
            (one.events[0].before for one in later if one.events), self._passage.after
        )
        return Foreseen(
            statements,
            join_facts(one.facts for one in statements),
            _strongest(self._rest_of_transaction(start, end)),
            is_expected=True,
        )

    def _find(self, texts: Sequence[str]) -> int | None:
        """Return where the texts stand from here on, None when they do not."""
        if not texts:
            return None
        start = self._position
        while True:
            try:
                start = self._recorded.index(texts[0], start)
            except ValueError:
                return None
            if self._recorded[start : start + len(texts)] == texts:
                return start
            start += 1

    def _rest_of_transaction(self, start: int, end: int) -> Iterable[Lock]:
        statements = self._passage.statements
        number = statements[end - 1].statement.transaction
        for position, one in enumerate(statements[start:], start):
            if position < end or (number is not None and one.statement.transaction == number):
                yield from one.facts.locks

    def _read(self, sql: str, *, is_autocommit: bool) -> Foreseen:
        """Return the same for a text that was not recorded here."""
        path, revision = self._passage.migration.path, self._passage.migration.revision
        number = None if is_autocommit else 1
        statements = tuple(
            Statement(one.sql, path, _NOWHERE, revision, self._passage.direction, ordinal, number)
            for ordinal, one in enumerate(split_statements(sql), 1)
        )
        history = History((Migration(path, "", upgrade=statements),))
        (passage, *_) = walk(history, before=self._catalog, version=self._passage.version).passages
        facts = join_facts(one.facts for one in passage.statements)
        # what the revision itself has made nobody else can want yet
        locks = (
            lock for lock in facts.locks if not self._passage.is_new(lock.relation, self._catalog)
        )
        ahead = _strongest(locks)
        self._catalog = passage.after
        return Foreseen(passage.statements, facts, ahead, is_expected=False)


_NOWHERE = Span(1, 1, 1, 1)


def _without_types(sql: str) -> str:
    return _BOUND_TYPE.sub(r"\1", sql)


def _strongest(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    found: dict[QualifiedName, Lock] = {}
    for lock in locks:
        if not lock.is_preexisting:
            continue
        known = found.get(lock.relation)
        if known is None or known.mode < lock.mode:
            found[lock.relation] = lock
    return tuple(found[name] for name in sorted(found, key=str))
