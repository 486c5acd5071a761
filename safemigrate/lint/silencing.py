"""Which findings the ignore comments of a file silence; `suppressions` says by what rule."""

from collections.abc import Iterable, Iterator, Sequence
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
    left = list(findings)
    used = set()
    # What says which statement it means goes before what takes the first there is.
    for one in sorted(suppressions, key=lambda one: one.piece is None):
        for rule in one.rules if one.reason else ():
            silenced = list(_choose(one, [each for each in left if each.rule == rule], statements))
            if silenced:
                used.add((one, rule))
                left = [each for each in left if each not in silenced]
    return Silence(tuple(left), len(findings) - len(left), frozenset(used))


def _choose(
    suppression: Suppression, findings: list[Finding], statements: Sequence[Statement]
) -> Iterator[Finding]:
    """Yield those of a rule's findings that the comment is for; each direction has its own."""
    for direction in Direction:
        mine = [each for each in findings if each.direction is direction]
        sent = [each for each in statements if each.direction is direction]
        if not mine:
            continue
        if suppression.piece is not None:
            yield from _first(mine, _sent_from(suppression.span, suppression.piece, sent))
        elif sent and sent[0].is_literal:
            yield from _in_statement(suppression, mine, sent)
        else:
            yield from _at_call(suppression, mine)


def _first(findings: list[Finding], statements: Iterable[Statement]) -> list[Finding]:
    """Return the findings in the first of the statements that has any."""
    for statement in statements:
        found = [each for each in findings if each.ordinal == statement.ordinal]
        if found:
            return found
    return []


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


def _in_statement(
    suppression: Suppression, findings: list[Finding], statements: list[Statement]
) -> list[Finding]:
    """Return the findings of a file of SQL that the comment is for."""
    owner = _owner(suppression, statements)
    if owner is None:
        return []
    inside = [each for each in findings if each.ordinal == owner.ordinal]
    on_line = [each for each in inside if each.span.line == suppression.line]
    is_whole = suppression.line == owner.span.line and (suppression.is_alone or not on_line)
    return inside if is_whole else on_line


def _owner(suppression: Suppression, statements: list[Statement]) -> Statement | None:
    """Return the statement that the comment stands in, or whose line it ends, or the one below."""
    place = _start(suppression.span)
    above = [each for each in statements if _start(each.span) < place]
    if above:
        last = max(above, key=lambda each: _start(each.span))
        if _holds(last.span, suppression.span) or last.span.end_line == suppression.span.line:
            return last
    if not suppression.is_alone:
        return None
    below = [each for each in statements if each.span.line == suppression.line]
    return min(below, key=lambda each: _start(each.span), default=None)


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
