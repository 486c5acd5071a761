"""Where the order of what a revision sends may change from run to run."""

import ast
import re

__all__ = ["find_unordered"]

_SENDING_METHODS = frozenset(
    {"bulk_insert", "create", "drop", "exec_driver_sql", "execute", "executemany", "invoke"}
    | {"scalar", "scalars"}
)
_SENDING_OBJECTS = frozenset({"op", "batch", "batch_op", "context"})
# What makes a set of what it is called on, and what keeps the order of a set as it is.
_SET_MAKERS = frozenset({"set", "frozenset"})
_SET_METHODS = frozenset({"difference", "intersection", "symmetric_difference", "union"})
_KEEPERS = frozenset({"enumerate", "iter", "list", "reversed", "tuple"})
_SET_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)


_LOOP = re.compile(r"\bfor\b")
_SET = re.compile(r"\{|\b(?:frozen)?set\s*\(")


def find_unordered(text: str) -> tuple[int, ...]:
    """Return the 1-based lines of loops over a set whose body sends something, in order.

    The order of a set of text is another one in each run of Python (its documentation,
    PYTHONHASHSEED). None are found in what does not parse.
    """
    if _LOOP.search(text) is None or _SET.search(text) is None:
        # which spares most files the parsing
        return ()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    lines = set()
    for node in ast.walk(tree):
        match node:
            case ast.For() | ast.AsyncFor() if _is_set(node.iter) and _sends(node.body):
                lines.add(node.lineno)
            case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
                if any(_is_set(each.iter) for each in node.generators) and _sends([element]):
                    lines.add(node.lineno)
            case _:
                continue
    return tuple(sorted(lines))


def _is_set(node: ast.expr) -> bool:
    match node:
        case ast.Set(elts=elements):
            # one element is always in order
            return len(elements) > 1
        case ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in _KEEPERS:
            return _is_set(first)
        case ast.Call(func=ast.Name(id=name), args=[_, *_]):
            return name in _SET_MAKERS
        case ast.Call(func=ast.Attribute(value=value, attr=name)):
            return name in _SET_METHODS and _is_set(value)
        case ast.BinOp(left=left, op=operator, right=right):
            return isinstance(operator, _SET_OPERATORS) and (_is_set(left) or _is_set(right))
        case _:
            return False


def _sends(body: list[ast.stmt] | list[ast.expr]) -> bool:
    for statement in body:
        for node in ast.walk(statement):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in _SENDING_OBJECTS:
                return True
            if node.func.attr in _SENDING_METHODS:
                return True
    return False
