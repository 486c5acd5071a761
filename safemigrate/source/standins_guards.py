"""What the text of a file says of the place in it that runs."""

import ast
import dis
from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from types import FrameType

from safemigrate.errors import SafemigrateError
from safemigrate.source.text import parse_python, read_revision

__all__ = ["IMPORT_ERRORS", "KEY_ERRORS", "count_unpacked", "is_decorating", "is_guarded"]

# Those that catch the error that is raised.
IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
KEY_ERRORS = frozenset({"KeyError", "LookupError", "Exception", "BaseException"})


def is_guarded(filename: str, line: int, errors: frozenset[str] = IMPORT_ERRORS) -> bool:
    """Return whether what stands on that 1-based line may fail, for its file handles it.

    It stands in a `try` that catches one of the errors, or under `contextlib.suppress` of such.
    """
    return any(first <= line <= last for first, last in _find_guarded_lines(filename, errors))


@cache
def _find_guarded_lines(filename: str, errors: frozenset[str]) -> tuple[tuple[int, int], ...]:
    bodies = _guarded_bodies(_parse(filename), errors)
    return tuple((body[0].lineno, body[-1].end_lineno or body[-1].lineno) for body in bodies)


@cache
def _parse(filename: str) -> ast.Module:
    """Return the tree of a file, an empty one when it cannot be read."""
    try:
        return parse_python(read_revision(Path(filename)))
    except (SafemigrateError, SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])


def is_decorating(frame: FrameType) -> bool:
    """Return whether what the frame calls now is called as a decorator."""
    position = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    return position in _find_decorators(frame.f_code.co_filename)


@cache
def _find_decorators(filename: str) -> frozenset[tuple[int | None, ...]]:
    return frozenset(
        (one.lineno, one.end_lineno, one.col_offset, one.end_col_offset)
        for node in ast.walk(_parse(filename))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for one in node.decorator_list
    )


def count_unpacked(frame: FrameType) -> int:
    """Return how many names what the frame iterates over now is unpacked into, 0 for none."""
    code, place = frame.f_code.co_code, frame.f_lasti
    match dis.opname[code[place]]:
        case "UNPACK_SEQUENCE":
            return code[place + 1]
        case "UNPACK_EX":
            # the names before the one with the star
            return code[place + 1]
    return 0


def _guarded_bodies(tree: ast.Module, errors: frozenset[str]) -> Iterator[list[ast.stmt]]:
    for node in ast.walk(tree):
        match node:
            case ast.Try() if any(_catches(handler.type, errors) for handler in node.handlers):
                yield node.body
            case ast.With() if any(_suppresses(item.context_expr, errors) for item in node.items):
                yield node.body


def _catches(caught: ast.expr | None, errors: frozenset[str]) -> bool:
    """Return whether a handler for that expression is one for such errors."""
    match caught:
        case None:
            return True
        case ast.Tuple(elts=elements):
            return any(_catches(one, errors) for one in elements)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in errors
    return False


def _suppresses(expression: ast.expr, errors: frozenset[str]) -> bool:
    match expression:
        case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")):
            return any(_catches(one, errors) for one in expression.args)
    return False
