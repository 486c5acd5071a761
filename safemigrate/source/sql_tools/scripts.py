"""The SQL of one file, or of parts of it → statements with their places and transactions."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from safemigrate.model import Assumption, Direction, Statement, Unjudged
from safemigrate.source.sql_tools.placeholders import (
    Filled,
    Placeholder,
    fill_placeholders,
    settle_statement,
)
from safemigrate.source.statement_text import TransactionEffect, transaction_effect
from safemigrate.source.text import LineIndex
from safemigrate.source.version_table import leave_out_version_table
from safemigrate.sql import RawStatement, blank_psql, find_psql_variable, split_statements

__all__ = ["Script", "Wrapping", "read_script"]


class Wrapping(Enum):
    """How a tool sends what stands in a file.

    `NOTHING`: statement by statement, each by itself outside an explicit BEGIN, as psql does.
    `TRANSACTION`: in a transaction that the tool opens. `STRING`: all in one string, which the
    server runs in one implicit transaction when it holds more than one statement.
    https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
    """

    NOTHING = "nothing"
    TRANSACTION = "transaction"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Script:
    """What was read; `placeholders` counts those that values were assumed for."""

    statements: tuple[Statement, ...]
    unjudged: tuple[Unjudged, ...]
    assumptions: tuple[Assumption, ...] = ()
    placeholders: int = 0


def read_script(
    path: str,
    text: str,
    *,
    direction: Direction = Direction.UPGRADE,
    wrapping: Wrapping = Wrapping.NOTHING,
    regions: Sequence[tuple[int, int]] | None = None,
) -> Script:
    """Return the statements of a file, as they stand in it.

    `path`: as shown. `regions`: the offsets between which to read; None for all of the text.
    """
    script, skipped = blank_psql(text if regions is None else _blank_around(text, regions))
    filled = fill_placeholders(script)
    lines = LineIndex(text)
    unjudged = [
        Unjudged(path, lines.line(piece.offset), None, piece.reason, piece.hides_statements)
        for piece in skipped
    ]
    pieces = list(_read_pieces(filled))
    unknown = {one for piece in pieces for one in piece.unknown}
    unjudged += [
        Unjudged(path, lines.line(piece.raw.offset), None, piece.reason)
        for piece in pieces
        if piece.reason
    ]
    unjudged += [
        Unjudged(path, lines.line(one.start), None, f"what {_show(one)} stands for is not known")
        for one in unknown
    ]
    assumed = [one for one in filled.placeholders if one not in unknown]
    pieces = [one for one in pieces if one.is_read]
    numbers = _number_transactions([one.raw.sql for one in pieces], wrapping)
    statements = [
        Statement(
            sql=piece.raw.sql,
            path=path,
            span=lines.span(piece.raw.offset, piece.raw.offset + len(piece.raw.sql)),
            revision=None,
            direction=direction,
            ordinal=ordinal,
            transaction=number,
            is_assumed=piece.is_assumed,
            is_literal=True,
        )
        for ordinal, (piece, number) in enumerate(zip(pieces, numbers, strict=True), start=1)
    ]
    return Script(
        tuple(statements),
        tuple(sorted(unjudged, key=lambda one: one.line)),
        tuple(_list_assumptions(assumed, path, lines)),
        len(assumed),
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A statement, whether it is one, and what cannot be said of it."""

    raw: RawStatement
    is_read: bool = True
    is_assumed: bool = False
    reason: str = ""
    unknown: Sequence[Placeholder] = ()


def _read_pieces(filled: Filled) -> Iterator[_Piece]:
    placeholders = filled.placeholders
    blocks = [one.start for one in placeholders if one.is_block]
    starts = [one.start for one in placeholders]
    for raw in leave_out_version_table(split_statements(filled.text)):
        end = raw.offset + len(raw.sql)
        inside = placeholders[bisect_left(starts, raw.offset) : bisect_left(starts, end)]
        if inside:
            settled = settle_statement(raw, inside)
            found = settled.statement
            yield _Piece(found or raw, found is not None, is_assumed=True, unknown=settled.unknown)
            continue
        variable = find_psql_variable(raw.sql)
        if variable is not None:
            reason = f"the value of {variable} is not known"
            yield _Piece(raw, is_read=False, reason=reason)
        else:
            yield _Piece(raw, is_assumed=bool(blocks) and blocks[0] < end <= blocks[-1])


def _list_assumptions(
    placeholders: Iterable[Placeholder], path: str, lines: LineIndex
) -> Iterator[Assumption]:
    """Yield one entry for each placeholder, where it stands first."""
    seen = set()
    for one in placeholders:
        if one.text not in seen:
            seen.add(one.text)
            what = "a block that runs once" if one.is_block else "a name or a value"
            yield Assumption(path, lines.line(one.start), None, f"{_show(one)} is taken for {what}")


def _show(placeholder: Placeholder) -> str:
    return " ".join(placeholder.text.split())


def _number_transactions(statements: Sequence[str], wrapping: Wrapping) -> Iterator[int | None]:
    """Yield the transaction that each statement runs in."""
    is_string = wrapping is Wrapping.STRING and len(statements) > 1
    is_open = is_string or wrapping is Wrapping.TRANSACTION
    count = int(is_open)
    for sql in statements:
        effect = transaction_effect(sql)
        if effect is TransactionEffect.OPENS and not is_open:
            is_open, count = True, count + 1
        yield count if is_open else None
        if effect is TransactionEffect.CHAINS and is_open:
            count += 1
        elif effect is TransactionEffect.CLOSES:
            # What follows in the same string is an implicit transaction again.
            is_open, count = is_string, count + is_string


_VISIBLE = re.compile(r"[^\r\n]+")


def _blank_around(text: str, regions: Sequence[tuple[int, int]]) -> str:
    """Return the text with blanks in the place of all that stands outside of the regions."""
    pieces = []
    end = 0
    for start, stop in regions:
        pieces += [_VISIBLE.sub(_spaces, text[end:start]), text[start:stop]]
        end = stop
    return "".join([*pieces, _VISIBLE.sub(_spaces, text[end:])])


def _spaces(match: re.Match[str]) -> str:
    return " " * (match.end() - match.start())
