"""What the code of a revision says of itself, without being run."""

import ast

from safemigrate.source.text import parse_python

__all__ = ["find_operation"]

# Calls that send something, whatever they are called on: Alembic's, SQLAlchemy's, the drivers'.
_SENDING = frozenset(
    {
        "bulk_insert",
        "copy_expert",
        "create_all",
        "drop_all",
        "exec_driver_sql",
        "execute",
        "executemany",
        "invoke",
        "run_async",
    }
)
_OPERATIONS = frozenset({"op", "operations"})
# They read, or say how to run, and send nothing.
_QUIET = frozenset({"f", "get_bind", "get_context", "inline_literal"})


def find_operation(text: str, function: str) -> int | None:
    """Return the line of the first call that would send something, None where there is none.

    `function`: the one of the file where the search begins; functions of the same file that it
    calls are searched as well.
    """
    try:
        tree = parse_python(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    functions = {
        node.name: node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    waiting, seen = [function], {function}
    while waiting:
        found = functions.get(waiting.pop(0))
        if found is None:
            continue
        for node in ast.walk(found):
            if not isinstance(node, ast.Call):
                continue
            if _sends(node.func):
                return node.lineno
            if isinstance(node.func, ast.Name) and node.func.id not in seen:
                seen.add(node.func.id)
                waiting.append(node.func.id)
    return None


def _sends(called: ast.expr) -> bool:
    if not isinstance(called, ast.Attribute):
        return False
    on = called.value
    is_operation = isinstance(on, ast.Name) and on.id in _OPERATIONS
    return called.attr in _SENDING or (is_operation and called.attr not in _QUIET)
