"""Which findings the ignore comments of a file silence; `suppressions` says by what rule."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from safemigrate.lint.suppressions import Piece, Suppression
from safemigrate.model import Direction, Finding, Span, Statement
from safemigrate.sql import split_statements

__all__ = ["Silence", "silence"]


@dataclass(frozen=True, slots=True)
class Silence:
    """What is left of a file's findings, and which names of which comments silenced the others."""

    kept: tuple[Finding, ...]
    silenced: int
    used: frozenset[tuple[Suppression, str]]


def silence(
    findings: Sequence[Finding],
    statements: Sequence[Statement],
    suppressions: Iterable[Suppression],
) -> Silence:
    """Return the findings that no comment silences; one without a reason silences nothing.

    `findings`: in the order their statements run. `statements`: all of the file.
    """
    silenced: set[int] = set()
    used = set()
    sent = {direction: _Sent(direction, findings, statements) for direction in Direction}
    # What says which statement it means goes before what takes the first there is.
    for one in sorted(suppressions, key=lambda one: one.piece is None):
        for rule in one.rules if one.reason else ():
            for mine in sent.values():
                chosen = list(_choose(one, rule, mine))
                if chosen:
                    used.add((one, rule))
                    silenced |= set(map(id, chosen))
                    mine.forget(rule, chosen)
    kept = tuple(each for each in findings if id(each) not in silenced)
    return Silence(kept, len(findings) - len(kept), frozenset(used))


class _Sent:
    """The statements of one direction of a file, and the findings in each that nothing silences.

    A file may have as many comments as findings: none of them looks through all.
    """

    def __init__(
        self,
        direction: Direction,
        findings: Sequence[Finding],
        statements: Sequence[Statement],
    ) -> None:
        self.statements = [each for each in statements if each.direction is direction]
        self._left: dict[str, dict[int | None, list[Finding]]] = {}
        for each in findings:
            if each.direction is direction:
                by_ordinal = self._left.setdefault(each.rule, {})
                by_ordinal.setdefault(each.ordinal, []).append(each)
        self._placed = sorted(self.statements, key=lambda each: _start(each.span))
        self._starts = [_start(each.span) for each in self._placed]

    def findings(self, rule: str) -> list[Finding]:
        """Return the findings of the rule, those of one statement after those of another."""
        return [each for found in self._left.get(rule, {}).values() for each in found]

    def has(self, rule: str) -> bool:
        """Return whether there is any finding of the rule."""
        return any(self._left.get(rule, {}).values())

    def inside(self, rule: str, ordinal: int | None) -> list[Finding]:
        """Return the findings of the rule in one statement."""
        return self._left.get(rule, {}).get(ordinal, [])

    def forget(self, rule: str, silenced: list[Finding]) -> None:
        """Leave out these findings of the rule."""
        gone = set(map(id, silenced))
        by_ordinal = self._left[rule]
        for ordinal in {each.ordinal for each in silenced}:
            by_ordinal[ordinal] = [each for each in by_ordinal[ordinal] if id(each) not in gone]

    def last_before(self, place: tuple[int, int]) -> Statement | None:
        """Return the last statement that begins before the place."""
        number = bisect_left(self._starts, place)
        return self._placed[number - 1] if number else None

    def first_on(self, line: int) -> Statement | None:
        """Return the first statement that begins on the line."""
        number = bisect_left(self._starts, (line, 0))
        found = self._placed[number : number + 1]
        return found[0] if found and found[0].span.line == line else None


def _choose(suppression: Suppression, rule: str, sent: _Sent) -> Iterable[Finding]:
    """Return those of a rule's findings that the comment is for."""
    if not sent.has(rule):
        return ()
    if suppression.piece is not None:
        own = _sent_from(suppression.span, suppression.piece, sent.statements)
        return _first(sent.inside(rule, each.ordinal) for each in own)
    if sent.statements and sent.statements[0].is_literal:
        return _in_statement(suppression, rule, sent)
    return _at_call(suppression, sent.findings(rule))


def _first(found: Iterable[list[Finding]]) -> list[Finding]:
    """Return the findings in the first of the statements that has any."""
    return next(filter(None, found), [])


def _sent_from(place: Span, piece: Piece, statements: list[Statement]) -> list[Statement]:
    """Return what was sent of a statement in a string of Python, more than once in a loop.

    A string that stands elsewhere than at the call is known by its words.
    """
    same = [each for each in statements if _is_sent(piece, each)]
    around = [each.span for each in statements if _holds(each.span, place)]
    if not around:
        return same
    innermost = max(around, key=_start)
    sent = [each for each in statements if each.span == innermost]
    if len(sent) % max(piece.count, 1):
        return [each for each in sent if each in same]
    return sent[piece.number :: piece.count] if piece.sql else []


def _is_sent(piece: Piece, statement: Statement) -> bool:
    if piece.sql not in statement.sql:
        return False
    # A text of one statement is sent with the comments around it.
    return [each.sql for each in split_statements(statement.sql)] == [piece.sql]


def _in_statement(suppression: Suppression, rule: str, sent: _Sent) -> list[Finding]:
    """Return the findings of a file of SQL that the comment is for."""
    owner = _owner(suppression, sent)
    if owner is None:
        return []
    inside = sent.inside(rule, owner.ordinal)
    on_line = [each for each in inside if each.span.line == suppression.line]
    is_whole = suppression.line == owner.span.line and (suppression.is_alone or not on_line)
    return inside if is_whole else on_line


def _owner(suppression: Suppression, sent: _Sent) -> Statement | None:
    """Return the statement that the comment stands in, or whose line it ends, or the one below."""
    last = sent.last_before(_start(suppression.span))
    if last is not None and (
        _holds(last.span, suppression.span) or last.span.end_line == suppression.span.line
    ):
        return last
    return sent.first_on(suppression.line) if suppression.is_alone else None


def _at_call(suppression: Suppression, findings: list[Finding]) -> list[Finding]:
    """Return the findings of a revision that the comment is for: those of one statement."""
    place = suppression.span
    around = [each for each in findings if each.span.line <= place.line <= each.span.end_line]
    before = [each for each in around if _start(each.span) < _start(place)]
    if before:
        chosen = max(before, key=lambda each: _start(each.span)).span
    elif below := [each for each in findings if each.span.line == suppression.line]:
        chosen = min(below, key=lambda each: _start(each.span)).span
    else:
        return []
    there = [each for each in findings if each.span == chosen]
    first = min(there, key=lambda each: each.ordinal or 0)
    return [each for each in there if each.ordinal == first.ordinal]


def _holds(outer: Span, inner: Span) -> bool:
    end = (outer.end_line, outer.end_column)
    return _start(outer) <= _start(inner) < end


def _start(span: Span) -> tuple[int, int]:
    return span.line, span.column
