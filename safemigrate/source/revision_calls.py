"""The calls of Alembic's operations in the text of a revision."""

import ast
import io
import tokenize
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from safemigrate.model import Span, Statement
from safemigrate.source.editing import Refusal, TextLines
from safemigrate.source.text import parse_python

__all__ = ["Call", "find_call", "holds_only"]

_BLOCK = "op.get_context().autocommit_block()"


@dataclass(frozen=True)
class Call:
    """A call `op.operation(…)` that is a line, or lines, of a function's body.

    `is_in_block`: it stands in an autocommit block of the body.
    """

    lines: TextLines
    tree: ast.Module
    function: ast.FunctionDef
    node: ast.Call
    operation: str
    is_in_block: bool

    @property
    def first_line(self) -> int:
        """The number of the line that the call begins on."""
        return self.node.lineno

    @property
    def last_line(self) -> int:
        """The number of the line that the call ends on."""
        return self.node.end_lineno or self.node.lineno

    @property
    def indent(self) -> str:
        """The blanks before the call."""
        return self.lines.indent(self.first_line)

    @property
    def unit(self) -> str:
        """The blanks that one level is indented by."""
        return self.lines.indent(self.function.body[0].lineno)

    @property
    def imports_sqlalchemy(self) -> bool:
        """Whether the module has `import sqlalchemy as sa`."""
        return any(
            isinstance(node, ast.Import)
            and any((alias.name, alias.asname) == ("sqlalchemy", "sa") for alias in node.names)
            for node in self.tree.body
        )

    def range(self, node: ast.expr) -> tuple[int, int]:
        """Return the offsets that a part of the call goes from and to."""
        return self.lines.range(_span(node, self.lines))

    def tokens(self) -> list[tokenize.TokenInfo]:
        """Return the tokens of the call."""
        return self.tokens_in(*self.range(self.node))

    def tokens_in(self, start: int, end: int) -> list[tokenize.TokenInfo]:
        """Return the tokens that stand between two offsets."""
        return [
            token
            for token in self._all_tokens
            if token.string
            and start <= self._offset(token.start)
            and self._offset(token.end) <= end
        ]

    def is_comment(self, number: int) -> bool:
        """Return whether nothing but a comment stands on the line."""
        return number > 0 and self.lines.line(number).lstrip().startswith("#")

    def lines_inside_strings(self) -> Iterator[int]:
        """Yield the numbers of the lines that begin inside of a string."""
        opened = 0
        for token in self.tokens():
            if token.type == tokenize.STRING:
                yield from range(token.start[0] + 1, token.end[0] + 1)
            elif token.type == _FSTRING_START:
                opened = token.start[0]
            elif token.type == _FSTRING_END:
                yield from range(opened + 1, token.end[0] + 1)

    @cached_property
    def _all_tokens(self) -> list[tokenize.TokenInfo]:
        return list(tokenize.generate_tokens(io.StringIO(self.lines.text).readline))

    def _offset(self, place: tuple[int, int]) -> int:
        line, column = place
        return self.lines.offset(line, column + 1)


# Since Python 3.12 a formatted string is several tokens.
_FSTRING_START = getattr(tokenize, "FSTRING_START", -1)
_FSTRING_END = getattr(tokenize, "FSTRING_END", -1)


def find_call(text: str, statement: Statement) -> Call | Refusal:
    """Return the call that sends the statement, where it stands by itself in the function."""
    try:
        tree = parse_python(text)
    except (SyntaxError, ValueError):
        return Refusal("the file cannot be read as Python")
    name = statement.direction.value
    refusal = Refusal(f"its call does not stand by itself in the body of {name}()")
    if not _imports_op(tree):
        return Refusal("the file does not say `from alembic import op`")
    function = _find_function(tree, name)
    if function is None:
        return refusal
    lines = TextLines(text)
    for node, is_in_block in _calls(function):
        if _span(node, lines) != statement.span:
            continue
        match node.func:
            case ast.Attribute(value=ast.Name(id="op"), attr=operation):
                call = Call(lines, tree, function, node, operation, is_in_block)
                return call if _is_alone(call) else refusal
            case _:
                return Refusal("it is sent by another call than one of op's")
    return refusal


def holds_only(function: ast.FunctionDef, sent: Collection[Span], text: str) -> bool:
    """Return whether the function does nothing but make the calls at these places.

    They stand by themselves in its body, or in an autocommit block there.
    """
    lines = TextLines(text)
    for node in function.body:
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                continue
            case ast.Expr() | ast.With():
                calls = [call for call, _ in _calls_of(node)]
                count = len(node.body) if isinstance(node, ast.With) else 1
                if len(calls) != count or any(_span(call, lines) not in sent for call in calls):
                    return False
            case _:
                return False
    return True


def _imports_op(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "alembic"
        and any(alias.name == "op" and alias.asname is None for alias in node.names)
        for node in tree.body
    )


def _find_function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """Return the function that the module has by that name in the end, with nothing around it."""
    found = None
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            found = node
    return None if found is None or found.decorator_list else found


def _calls(function: ast.FunctionDef) -> Iterator[tuple[ast.Call, bool]]:
    for node in function.body:
        yield from _calls_of(node)


def _calls_of(node: ast.stmt) -> Iterator[tuple[ast.Call, bool]]:
    """Yield the calls that are a statement, and whether they stand in an autocommit block."""
    match node:
        case ast.Expr(value=ast.Call() as call):
            yield call, False
        case ast.With(items=[item], body=body) if ast.unparse(item) == _BLOCK:
            for inner in body:
                if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call):
                    yield inner.value, True
        case _:
            return


def _is_alone(call: Call) -> bool:
    """Return whether nothing but a comment shares its lines."""
    start, end = call.range(call.node)
    lines = call.lines
    before = lines.text[lines.offset(call.first_line) : start]
    behind = lines.text[end : lines.offset(call.last_line + 1)].strip()
    return not before.strip() and (not behind or behind.startswith("#"))


def _span(node: ast.expr, lines: TextLines) -> Span:
    end_line, end_byte = node.end_lineno or node.lineno, node.end_col_offset or 0
    return Span(
        node.lineno,
        _column(lines.line(node.lineno), node.col_offset),
        end_line,
        _column(lines.line(end_line), end_byte),
    )


def _column(line: str, byte: int) -> int:
    """Return the 1-based column of a 0-based offset in UTF-8."""
    return len(line.encode()[:byte].decode(errors="ignore")) + 1
