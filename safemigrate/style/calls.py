"""The calls of a revision that send SQL, and where that is written."""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from safemigrate.model import Span
from safemigrate.source.text import LineIndex, parse_python
from safemigrate.sql import split_statements

__all__ = ["Code", "Sending", "read_code"]

_SENDERS = frozenset({"execute", "exec_driver_sql", "scalar", "scalars"})
# What gives back the text that it is given, or all of it but blanks.
_WRAPPERS = frozenset({"text", "dedent", "cleandoc"})
_METHODS = frozenset({"strip", "lstrip", "rstrip", "bindparams", "columns", "execution_options"})
_MAKERS = frozenset({"format", "join", "replace", "format_map"})

# An expression may name what names the next, and so on; a file that goes on for longer is no SQL.
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Sending:
    """A call that sends SQL: where it stands, the strings it sends, and the function it is in.

    `is_computed`: it sends, also, what is put together when it runs.
    """

    span: Span
    strings: tuple[ast.Constant, ...]
    is_computed: bool
    function: str


@dataclass
class _Found:
    """What an expression may be."""

    strings: list[ast.Constant] = field(default_factory=list)
    is_computed: bool = False
    is_unknown: bool = False


@dataclass(frozen=True)
class Code:
    """The Python of a revision."""

    text: str
    tree: ast.Module

    @cached_property
    def index(self) -> LineIndex:
        """The lines of the text."""
        return LineIndex(self.text)

    def range(self, node: ast.expr) -> tuple[int, int]:
        """Return the offsets that an expression goes from and to."""
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0),
        )

    def sendings(self) -> Iterator[Sending]:
        """Yield the calls that send SQL, in the order of the tree."""
        for function, node in _list_calls(self.tree, ""):
            argument = _argument(node)
            if argument is None:
                continue
            found = _Found()
            self._resolve(argument, function, found)
            if found.strings or found.is_computed or found.is_unknown:
                span = self.index.span(*self.range(node))
                yield Sending(span, tuple(found.strings), found.is_computed, function)

    @cached_property
    def by_statement(self) -> Mapping[str, ast.Constant]:
        """The first string of the file in which each statement stands."""
        found: dict[str, ast.Constant] = {}
        for node in _list_strings(self.tree):
            value = str(node.value)
            # a name or a type is no statement
            if " " in value.strip():
                for piece in split_statements(value):
                    found.setdefault(piece.sql, node)
        return found

    @cached_property
    def _bindings(self) -> Mapping[tuple[str, str], Sequence[ast.expr]]:
        """What each name of each function may be; that of the module is the empty one."""
        found: dict[tuple[str, str], list[ast.expr]] = {}
        for function, node in _list_nodes(self.tree, ""):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    found.setdefault((function, name), []).append(value)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    found.setdefault((function, name), []).append(value)
                case ast.AugAssign(target=ast.Name(id=name), value=value):
                    # what it was before is not all of it
                    joined = ast.BinOp(value, ast.Add(), value)
                    found.setdefault((function, name), []).append(joined)
                case ast.For(target=ast.Name(id=name), iter=source):
                    found.setdefault((function, name), []).extend(_elements(source))
                case _:
                    pass
        return found

    def _resolve(self, node: ast.expr, function: str, found: _Found, depth: int = 0) -> None:
        """Note what the expression may be."""
        inner, is_text = _unwrap(node)
        parts = _list_parts(inner)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            found.strings.append(inner)
        elif isinstance(inner, ast.Name) and depth < _DEEPEST:
            self._resolve_name(inner.id, function, found, depth)
        elif parts and depth < _DEEPEST:
            for part in parts:
                self._resolve(part, function, found, depth + 1)
        elif is_text or _is_made(inner):
            # text() of whatever it is sends that as SQL
            found.is_computed = True
        else:
            found.is_unknown = True

    def _resolve_name(self, name: str, function: str, found: _Found, depth: int) -> None:
        values = self._bindings.get((function, name)) or self._bindings.get(("", name), ())
        if any(isinstance(value, ast.BinOp) for value in values):
            # what else it is on the way there is not sent
            found.is_computed = True
            return
        found.is_unknown = found.is_unknown or not values
        for value in values:
            self._resolve(value, function, found, depth + 1)

    def _offset(self, line: int, column: int) -> int:
        """Return the offset of a place that Python gives, the column in bytes from 0."""
        start = self.index.start(line)
        before = self.text[start : start + column].encode(errors="surrogatepass")[:column]
        return start + len(before.decode(errors="ignore"))


def read_code(text: str) -> Code | None:
    """Return the Python of a revision, None where Python does not read it."""
    with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        return Code(text, parse_python(text))
    return None


def _list_calls(tree: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
    for name, node in _list_nodes(tree, function):
        if isinstance(node, ast.Call):
            yield name, node


def _list_nodes(
    tree: ast.AST, function: str, into: Callable[[ast.AST], bool] = lambda _: True
) -> Iterator[tuple[str, ast.AST]]:
    """Yield all nodes in the order they are written, each with the function it stands in."""
    waiting = [(function, tree)]
    while waiting:
        name, node = waiting.pop()
        yield name, node
        if not into(node):
            continue
        inner = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else name
        waiting += [(inner, child) for child in reversed(list(ast.iter_child_nodes(node)))]


def _list_strings(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the strings that are written out, not the parts of those that are put together."""
    for _, node in _list_nodes(tree, "", lambda node: not isinstance(node, ast.JoinedStr)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node


def _argument(node: ast.Call) -> ast.expr | None:
    """Return what a call sends, where it is one that sends SQL."""
    match node:
        case ast.Call(func=ast.Attribute(attr=name), args=[argument, *_]) if name in _SENDERS:
            return argument
        case ast.Call(func=ast.Attribute(attr=name), keywords=keywords) if name in _SENDERS:
            named = {"sqltext", "statement", "clause"}
            return next((one.value for one in keywords if one.arg in named), None)
        case _:
            return None


def _elements(source: ast.expr) -> Sequence[ast.expr]:
    return source.elts if isinstance(source, ast.Tuple | ast.List | ast.Set) else [source]


def _unwrap(node: ast.expr) -> tuple[ast.expr, bool]:
    """Return the expression inside of text(), dedent() and the like, and whether text() was one."""
    is_text = False
    while True:
        match node:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[inner, *_]) if (
                name in _WRAPPERS
            ):
                is_text = is_text or name == "text"
                node = inner
            case ast.Call(func=ast.Attribute(value=inner, attr=name)) if name in _METHODS:
                node = inner
            case _:
                return node, is_text


def _list_parts(node: ast.expr) -> Sequence[ast.expr]:
    """Return the expressions of which it is one; those of a tuple are met in a loop."""
    match node:
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return elements
        case ast.IfExp(body=one, orelse=other):
            return (one, other)
        case _:
            return ()


def _is_made(node: ast.expr) -> bool:
    """Return whether it is a string that is put together."""
    match node:
        case ast.JoinedStr() | ast.BinOp(op=ast.Add() | ast.Mod()):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()), attr=name)):
            return name in _MAKERS
        case _:
            return False
