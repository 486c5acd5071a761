"""The SQL of a migration whose style is looked at, and where each piece of it stands."""

import ast
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from safemigrate.model import Direction, Migration, Span, Statement
from safemigrate.source.text import LineIndex
from safemigrate.sql import split_statements
from safemigrate.style.calls import Code, Sending, read_code
from safemigrate.style.layout import lay_out
from safemigrate.style.literals import Written, read_literal

__all__ = ["Owner", "Text", "list_texts"]


@dataclass(frozen=True, slots=True)
class Owner:
    """The statement that a place in a text belongs to.

    `anchor`: where an ignore comment for it is looked for; None for the place itself. `ordinal`:
    None where the statement was not recorded.
    """

    sql: str
    direction: Direction
    ordinal: int | None = None
    anchor: Span | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """SQL to look at.

    `locate`: offsets into `sql` → where that is in the file. `own`: an offset → its statement.
    `is_file`: it is a file of SQL, whole, and may be a template. `is_computed`: it is not written
    in the file as it stands here.
    """

    sql: str
    locate: Callable[[int, int], Span]
    own: Callable[[int], Owner]
    is_file: bool = False
    is_computed: bool = False


def list_texts(migration: Migration) -> Iterator[Text]:
    """Yield the SQL that the author of a migration has written, each piece once."""
    if not migration.path.endswith(".py"):
        if migration.text.strip():
            yield _read_file(migration)
        return
    code = read_code(migration.text)
    if code is not None:
        yield from _Revision(migration, code).list_texts()


def _read_file(migration: Migration) -> Text:
    index = LineIndex(migration.text)
    statements = sorted(
        (*migration.upgrade, *migration.downgrade),
        key=lambda one: (one.span.line, one.span.column),
    )
    starts = [(one.span.line, one.span.column) for one in statements]
    fallback = Direction.DOWNGRADE if migration.reverses else Direction.UPGRADE

    def own(offset: int) -> Owner:
        if not statements:
            return Owner("", fallback)
        place = index.place(offset)
        number = bisect_right(starts, place)
        last = statements[max(number - 1, 0)]
        # what stands below a statement belongs to the next
        if number < len(statements) and (last.span.end_line, last.span.end_column) < place:
            is_behind = place[0] == last.span.end_line
            last = last if is_behind else statements[number]
        return Owner(last.sql, last.direction, last.ordinal)

    return Text(migration.text, index.span, own, is_file=True)


class _Revision:
    """The strings of one revision."""

    def __init__(self, migration: Migration, code: Code) -> None:
        self._text = migration.text
        self._code = code
        # What a helper in another file sends is not written here.
        mine = [one for one in (*migration.upgrade, *migration.downgrade) if not one.helper]
        self._by_call: dict[Span, list[Statement]] = {}
        self._by_text: dict[str, Statement] = {}
        for one in mine:
            self._by_call.setdefault(one.span, []).append(one)
            self._by_text.setdefault(one.sql, one)

    def list_texts(self) -> Iterator[Text]:
        seen: set[int] = set()
        computed: set[str] = set()
        for sending in self._code.sendings():
            sent = self._by_call.get(sending.span, [])
            others = [self._code.by_statement.get(one.sql) for one in sent]
            for node in (*sending.strings, *filter(None, others)):
                text = None if id(node) in seen else self._read_string(node, sending)
                seen.add(id(node))
                if text is not None:
                    yield text
            if sending.is_computed:
                yield from self._read_computed(sent, computed)

    def _read_string(self, node: ast.Constant, sending: Sending) -> Text | None:
        value = str(node.value)
        written = read_literal(self._text, *self._code.range(node), value)
        if written is None:
            return self._text_at(value, sending.span, sending)
        laid = lay_out(written, self._text)
        if laid is None:
            return None
        index = self._code.index

        def locate(start: int, end: int) -> Span:
            return index.span(laid.offsets[start], max(laid.offsets[end], laid.offsets[start]))

        own = self._owners(written.text, sending)
        pieces = _list_starts(laid.text)
        return Text(laid.text, locate, lambda offset: own(bisect_right(pieces, offset)))

    def _read_computed(self, sent: Sequence[Statement], seen: set[str]) -> Iterator[Text]:
        """Yield what was sent that stands in no string, of one call the first."""
        for one in sent:
            if one.sql in self._code.by_statement or one.sql in seen:
                continue
            seen.add(one.sql)
            yield _text_at_call(one, self._code.index, self._text)
            return

    def _text_at(self, value: str, span: Span, sending: Sending) -> Text | None:
        """Return a text that is known, and not where which part of it is written."""
        at = self._code.index.start(span.line) + span.column - 1
        laid = lay_out(Written(value, (at,) * (len(value) + 1)), self._text)
        if laid is None:
            return None
        own = self._owners(value, sending)
        pieces = _list_starts(laid.text)
        return Text(
            laid.text,
            lambda _start, _end: span,
            lambda offset: own(bisect_right(pieces, offset)),
            is_computed=True,
        )

    def _owners(self, value: str, sending: Sending) -> Callable[[int], Owner]:
        """Return what gives the owner of a place by how many statements begin before it."""
        sent = self._by_call.get(sending.span, [])
        way = Direction.DOWNGRADE if sending.function == "downgrade" else Direction.UPGRADE
        owners = []
        pieces = split_statements(value)
        for number, piece in enumerate(pieces):
            same = len(sent) == len(pieces)
            found = self._by_text.get(piece.sql) or (sent[number] if same else None)
            found = found or (sent[0] if sent else None)
            if found is None:
                owners.append(Owner(piece.sql, way, None, sending.span))
            else:
                owners.append(Owner(found.sql, found.direction, found.ordinal, found.span))
        nobody = Owner("", way, None, sending.span)
        return lambda count: owners[max(min(count, len(owners)) - 1, 0)] if owners else nobody


def _text_at_call(statement: Statement, index: LineIndex, source: str) -> Text:
    span = statement.span
    at = index.start(span.line) + span.column - 1
    laid = lay_out(Written(statement.sql, (at,) * (len(statement.sql) + 1)), source)
    owner = Owner(statement.sql, statement.direction, statement.ordinal, span)
    return Text(
        statement.sql if laid is None else laid.text,
        lambda _start, _end: span,
        lambda _: owner,
        is_computed=True,
    )


def _list_starts(sql: str) -> list[int]:
    return [piece.offset for piece in split_statements(sql)]
