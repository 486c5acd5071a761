"""PostgreSQL's own parser, and the only module that imports it."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, lru_cache

import postgast
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, EncodeError, Message
from postgast import pg_query_pb2 as nodes

from safemigrate.errors import SqlSyntaxError
from safemigrate.sql.lexing import Enclosure, lex, lex_coarsely
from safemigrate.sql.limits import TooDeepError, check_depth, has_long_run, prepare_text

# Without this, the tree of an expression of some fifty terms in a row cannot be handed over. The
# switch is of the whole process, and lifts a limit only (python/message.c of protobuf).
with suppress(ImportError):
    # Where protobuf is pure Python there is no switch, and TooDeepError comes earlier.
    from google._upb import _message

    _message.SetAllowOversizeProtos(True)  # noqa: FBT003 - it takes nothing else


__all__ = [
    "BodyVerdict",
    "RawStatement",
    "Token",
    "character_positions",
    "check_plpgsql",
    "deparse_expression",
    "deparse_statement",
    "nodes",
    "parse_statement",
    "read_tokens",
    "split_statements",
    "walk_nodes",
]

_COMMENTS = frozenset({"SQL_COMMENT", "C_COMMENT"})


@dataclass(frozen=True, slots=True)
class RawStatement:
    """One statement of a longer text, without its semicolon and the comments before it.

    `offset`: 0-based character offset of `sql` in the text.
    """

    sql: str
    offset: int


@dataclass(frozen=True, slots=True)
class Token:
    """A token: its kind as the parser names it, and its 0-based character offsets."""

    kind: str
    start: int
    end: int
    is_reserved: bool


def read_tokens(sql: str) -> list[Token]:
    """Return the tokens of `sql`, comments left out.

    Raises:
        SqlSyntaxError: for an unterminated string, quoted identifier or comment.
    """
    return list(_scan(sql))


@lru_cache(maxsize=128)  # several ask about one statement, one after the other
def _scan(sql: str) -> tuple[Token, ...]:
    text = prepare_text(sql)
    try:
        scanned = postgast.scan(text)
    except postgast.PgQueryError as err:
        raise _syntax_error(sql, err) from err
    to_characters = character_positions(sql)
    return tuple(
        Token(
            kind,
            to_characters(token.start),
            to_characters(token.end),
            token.keyword_kind not in _UNRESERVED,
        )
        for token in scanned.tokens
        if (kind := _kind_of(token.token)) not in _COMMENTS
    )


@cache
def _kind_of(number: int) -> str:
    try:
        return str(nodes.Token.Name(number))
    except ValueError:
        # a control character, which has a number and no name
        return f"ASCII_{number}"


_UNRESERVED = (nodes.KeywordKind.NO_KEYWORD, nodes.KeywordKind.UNRESERVED_KEYWORD)


def split_statements(text: str) -> list[RawStatement]:
    """Return the statements of `text` in order; never raises.

    What does not parse comes out as a piece of its own, and what follows an unterminated
    string is one piece to the end of the text. A body that is never closed ends at its first
    semicolon.
    """
    find = _statement_bounds if _HAS_BODY.search(text) else _plain_bounds
    return [RawStatement(text[first:last], first) for first, last in find(text)]


# What begins a body with semicolons in it has one of these words.
_HAS_BODY = re.compile("atomic|rule", re.IGNORECASE)


def _plain_bounds(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each statement, where every semicolon ends one."""
    start = end = -1
    for kind, first, last in lex_coarsely(text):
        if kind == "semicolon":
            if start >= 0:
                yield start, end
            start = -1
        elif kind not in _COMMENT_PIECES:
            start, end = first if start < 0 else start, last
    if start >= 0:
        yield start, end


def _statement_bounds(text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each statement: a semicolon ends it, but not inside a body."""
    enclosure = Enclosure()
    # The parts of the statement that semicolons in its body leave: its own, or else of others.
    parts: list[tuple[int, int]] = []
    start = end = -1
    for kind, first, last in lex(text):
        if kind in _COMMENT_PIECES:
            continue
        if kind == "semicolon":
            if start >= 0:
                parts.append((start, end))
                start = -1
            if enclosure.read_semicolon() and parts:
                yield parts[0][0], parts[-1][1]
                parts.clear()
            continue
        if kind in _TELLING and not enclosure.read(kind, text[first:last]):
            yield from parts
            parts.clear()
        start, end = first if start < 0 else start, last
    if start >= 0:
        parts.append((start, end))
    if enclosure.is_open():
        yield from parts
    elif parts:
        yield parts[0][0], parts[-1][1]


_COMMENT_PIECES = frozenset({"block", "comment"})
_TELLING = frozenset({"close", "open", "word"})


def parse_statement(sql: str) -> nodes.Node:
    """Return the parse tree of the one statement in `sql`, which `read_with_room` hands over.

    Raises:
        SqlSyntaxError: when it does not parse, is empty, or is more than one statement;
            TooDeepError when it may well be right.
    """
    text = prepare_text(sql)
    check_depth(sql)
    try:
        parsed = postgast.parse(text)
    except postgast.PgQueryError as err:
        raise _syntax_error(sql, err) from err
    except DecodeError as err:
        # The tree is handed over in a form that has a deepest level.
        raise TooDeepError from err
    if len(parsed.stmts) != 1:
        raise SqlSyntaxError(f"expected one statement, found {len(parsed.stmts)}")
    return parsed.stmts[0].stmt


@dataclass(frozen=True, slots=True)
class BodyVerdict:
    """What PL/pgSQL's own parser says of a body.

    `is_read`: it can tell. `fault`: what it has against the body, empty for nothing. `line`: the
    1-based line of the body that the fault stands on, or below.
    """

    is_read: bool
    fault: str = ""
    line: int = 1


def check_plpgsql(sql: str) -> BodyVerdict:
    """Return the verdict on the body in `sql`, a DO or CREATE FUNCTION of PL/pgSQL.

    The parser has no database at hand: where it asks for a type, it cannot tell.
    """
    text = prepare_text(sql)
    if has_long_run(text):
        return BodyVerdict(is_read=False)
    try:
        postgast.parse_plpgsql(text)
    except postgast.PgQueryError as err:
        if err.funcname not in _PLPGSQL_FAULTS:
            return BodyVerdict(is_read=False)
        near = _BODY_LINE.search(err.context or "")
        message = re.sub(r"\s+", " ", err.message)
        return BodyVerdict(is_read=True, fault=message, line=int(near[1]) if near else 1)
    except (ValueError, RecursionError):
        # It has read the body, but writes the variables of triggers, or blocks many levels deep,
        # so that they cannot be decoded.
        return BodyVerdict(is_read=True)
    return BodyVerdict(is_read=True)


_BODY_LINE = re.compile(r"near line (\d+)\Z")
# Where the parser finds a body at fault by itself, without asking for a type.
_PLPGSQL_FAULTS = frozenset(
    {
        "check_labels",
        "plpgsql_yyerror",
        "read_sql_construct",
        "scanner_yyerror",
        "word_is_not_variable",
    }
)


def deparse_expression(expression: nodes.Node) -> str:
    """Return the text of an expression, as PostgreSQL's deparser writes it."""
    select = nodes.SelectStmt()
    target = select.target_list.add().res_target
    target.val.CopyFrom(expression)
    select.limit_option = nodes.LimitOption.LIMIT_OPTION_DEFAULT
    select.op = nodes.SetOperation.SETOP_NONE
    statement = nodes.Node()
    statement.select_stmt.CopyFrom(select)
    return deparse_statement(statement).removeprefix("SELECT ")


def deparse_statement(statement: nodes.Node) -> str:
    """Return the text of a statement, as PostgreSQL's deparser writes it; empty if it cannot."""
    tree = nodes.ParseResult()
    tree.stmts.add().stmt.CopyFrom(statement)
    try:
        return str(postgast.deparse(tree))
    except (postgast.PgQueryError, EncodeError):
        return ""


def character_positions(sql: str) -> Callable[[int], int]:
    """Return the function that turns the parser's byte offsets into character offsets."""
    if sql.isascii():
        return int
    # The bytes of a letter behind its first one, by their offsets.
    further = [match.start() for match in _FURTHER_BYTE.finditer(sql.encode())]
    return lambda offset: offset - bisect_left(further, offset)


_FURTHER_BYTE = re.compile(rb"[\x80-\xbf]")


def walk_nodes(message: Message) -> Iterator[Message]:
    """Yield every message inside `message` that can have others inside, in the order of the text.

    It comes itself first. A node is left out for what it is; so is a value that stands alone.
    """
    waiting = [message]
    while waiting:
        one = waiting.pop()
        if type(one) is _NODE:
            which = one.WhichOneof("node")
            if which is None:
                continue
            one = getattr(one, which)
        if not _has_messages(one.DESCRIPTOR):
            continue
        yield one
        inner: list[Message] = []
        for field, value in one.ListFields():
            content = _content_of(field)
            if content is _Content.MESSAGE:
                inner.append(value)
            elif content is _Content.MESSAGES:
                inner += value
        waiting += reversed(inner)


_NODE: type[Message] = nodes.Node


@cache
def _has_messages(kind: Descriptor) -> bool:
    return any(field.message_type is not None for field in kind.fields)


class _Content(Enum):
    """What a field holds."""

    VALUE = auto()
    MESSAGE = auto()
    MESSAGES = auto()


@cache
def _content_of(field: FieldDescriptor) -> _Content:
    if field.message_type is None:
        return _Content.VALUE
    return _Content.MESSAGES if field.is_repeated else _Content.MESSAGE


def _syntax_error(sql: str, err: postgast.PgQueryError) -> SqlSyntaxError:
    # Unlike the positions in the tree, the position of an error counts characters, from 1.
    offset = max(0, err.cursorpos - 1)
    message = re.sub(r"\s+", " ", err.message)
    if len(message) > _LONGEST_MESSAGE:
        # It quotes all of what is never closed.
        message = f'{message[:_LONGEST_MESSAGE]}…"'
    return SqlSyntaxError(
        message,
        "PostgreSQL's own parser refuses it; correct the SQL, or take the statement out",
        offset=min(offset, len(sql)),
    )


_LONGEST_MESSAGE = 200
