"""PostgreSQL's own parser, and the only module that imports it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import postgast
from google.protobuf.message import Message
from postgast import pg_query_pb2 as nodes

from safemigrate.errors import SqlSyntaxError

__all__ = [
    "RawStatement",
    "Token",
    "character_positions",
    "deparse_expression",
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
    try:
        scanned = postgast.scan(sql)
    except postgast.PgQueryError as err:
        raise _syntax_error(sql, err) from err
    to_characters = character_positions(sql)
    return [
        Token(
            kind=nodes.Token.Name(token.token),
            start=to_characters(token.start),
            end=to_characters(token.end),
            is_reserved=token.keyword_kind not in _UNRESERVED,
        )
        for token in scanned.tokens
        if nodes.Token.Name(token.token) not in _COMMENTS
    ]


_UNRESERVED = (nodes.KeywordKind.NO_KEYWORD, nodes.KeywordKind.UNRESERVED_KEYWORD)


def split_statements(text: str) -> list[RawStatement]:
    """Return the statements of `text` in order; never raises.

    What does not parse comes out as a piece of its own, and what follows an unterminated
    string is one piece to the end of the text.
    """
    try:
        tokens, end = read_tokens(text), len(text)
        rest: list[RawStatement] = []
    except SqlSyntaxError as err:
        # Tokens stop where the string begins: keep what stands before, and the rest as it is.
        tokens, end, rest = _tokens_before(text, err.offset)
    statements = []
    for first, last in _statement_bounds(tokens):
        statements.append(RawStatement(text[first:last], first))
    if rest and statements and statements[-1].offset + len(statements[-1].sql) == end:
        last_piece = statements.pop()
        rest = [RawStatement(text[last_piece.offset :].rstrip(), last_piece.offset)]
    return statements + rest


def _tokens_before(text: str, offset: int) -> tuple[list[Token], int, list[RawStatement]]:
    head = text[:offset]
    try:
        tokens = read_tokens(head)
    except SqlSyntaxError:
        tokens = []
    if not tokens:
        whole = text.strip()
        start = text.index(whole) if whole else 0
        return [], 0, [RawStatement(whole, start)] if whole else []
    end = tokens[-1].end
    if tokens[-1].kind == _SEMICOLON:
        tail = text[end:]
        start = end + len(tail) - len(tail.lstrip())
        return tokens, -1, [RawStatement(text[start:].rstrip(), start)]
    return tokens, end, [RawStatement("", end)]


_SEMICOLON = "ASCII_59"


def _statement_bounds(tokens: list[Token]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each statement: a semicolon ends it, but not inside BEGIN ATOMIC."""
    start: int | None = None
    end = depth = atomic = 0
    previous = ""
    for token in tokens:
        if token.kind == _SEMICOLON and depth == 0 and atomic == 0:
            if start is not None:
                yield start, end
            start, previous = None, ""
            continue
        if start is None:
            start = token.start
        if token.kind == "ASCII_40":
            depth += 1
        elif token.kind == "ASCII_41":
            depth = max(0, depth - 1)
        elif (token.kind == "ATOMIC" and previous == "BEGIN_P") or (
            atomic and token.kind == "CASE"
        ):
            atomic += 1
        elif atomic and token.kind == "END_P":
            atomic -= 1
        end, previous = token.end, token.kind
    if start is not None:
        yield start, end


def parse_statement(sql: str) -> nodes.Node:
    """Return the parse tree of the one statement in `sql`.

    Raises:
        SqlSyntaxError: when it does not parse, is empty, or is more than one statement.
    """
    try:
        parsed = postgast.parse(sql)
    except postgast.PgQueryError as err:
        raise _syntax_error(sql, err) from err
    if len(parsed.stmts) != 1:
        raise SqlSyntaxError(f"expected one statement, found {len(parsed.stmts)}")
    return parsed.stmts[0].stmt


def deparse_expression(expression: nodes.Node) -> str:
    """Return the text of an expression, as PostgreSQL's deparser writes it."""
    select = nodes.SelectStmt()
    target = select.target_list.add().res_target
    target.val.CopyFrom(expression)
    select.limit_option = nodes.LimitOption.LIMIT_OPTION_DEFAULT
    select.op = nodes.SetOperation.SETOP_NONE
    tree = nodes.ParseResult()
    tree.stmts.add().stmt.select_stmt.CopyFrom(select)
    try:
        return str(postgast.deparse(tree)).removeprefix("SELECT ")
    except postgast.PgQueryError:
        return ""


def character_positions(sql: str) -> Callable[[int], int]:
    """Return the function that turns the parser's byte offsets into character offsets."""
    if sql.isascii():
        return int
    encoded = sql.encode()
    return lambda offset: len(encoded[:offset].decode(errors="replace"))


def walk_nodes(message: Message) -> Iterator[Message]:
    """Yield every message inside `message`, itself first."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if field.is_repeated:
            for item in value:
                yield from walk_nodes(item)
        else:
            yield from walk_nodes(value)


def _syntax_error(sql: str, err: postgast.PgQueryError) -> SqlSyntaxError:
    # Unlike the positions in the tree, the position of an error counts characters, from 1.
    offset = max(0, err.cursorpos - 1)
    return SqlSyntaxError(
        re.sub(r"\s+", " ", err.message),
        "PostgreSQL's own parser refuses it; correct the SQL, or take the statement out",
        offset=min(offset, len(sql)),
    )
