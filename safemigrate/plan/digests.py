"""The digest of a revision: equal for as long as its upgrade means the same."""

import ast
import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from safemigrate.errors import SqlSyntaxError
from safemigrate.model import Migration, Statement
from safemigrate.sql.parser import read_tokens

__all__ = ["Change", "compare_digests", "digest_of"]

_BOUND_VALUE = re.compile(r"\$\d")
_FORM = "1"
_LENGTH = 24
# Where a revision stands in the history is no part of what it does.
_PLACES = frozenset({"revision", "down_revision", "branch_labels", "depends_on"})
# What is said for readers and checkers of types alone.
_UNSAID = frozenset({"returns", "annotation", "type_comment", "kind", "ctx", "type_params"})


class Change(Enum):
    """How a revision differs from what it was when it was applied.

    `NONE`: not at all, or it cannot be told. `EDITED`: its file means something else. `ELSEWHERE`:
    its file is as it was, and sends other SQL now, through what it imports.
    """

    NONE = "none"
    EDITED = "edited"
    ELSEWHERE = "elsewhere"


def digest_of(migration: Migration, renderer: str) -> str:
    """Return the digest of what the revision's upgrade does, for the history.

    Of its code without docstrings, comments, layout, annotations, its place in the history and
    `downgrade`; and of the SQL it was seen to send, token by token. `renderer`: whatever else
    decides about that SQL, such as the versions of the libraries; SQL of two renderers is not
    compared.
    """
    sql = _hash(map(_normalise, migration.upgrade))
    if not _is_whole(migration):
        sql = f"~{sql}"
    return ".".join((_FORM, _hash(_list_code(migration.text)), sql, _hash([renderer])))


def compare_digests(then: str, now: str) -> Change:
    """Return how a revision that had the digest `then` differs when it has the digest `now`.

    Code that differs is edited, unless it is known to send the same SQL. What another version has
    written, or nobody, cannot be compared.
    """
    before, after = _read(then), _read(now)
    if before is None or after is None:
        return Change.NONE
    is_comparable = before.renderer == after.renderer
    if before.code == after.code:
        return Change.ELSEWHERE if is_comparable and before.sql != after.sql else Change.NONE
    is_same = is_comparable and before.sql == after.sql and not before.sql.startswith("~")
    return Change.NONE if is_same else Change.EDITED


@dataclass(frozen=True, slots=True)
class _Digest:
    code: str
    sql: str
    renderer: str


def _read(text: str) -> _Digest | None:
    """Return the parts; None for what another version has written, or nobody."""
    match text.split("."):
        case [form, code, sql, renderer] if form == _FORM:
            return _Digest(code, sql, renderer)
    return None


def _is_whole(migration: Migration) -> bool:
    """Return whether the recorded SQL is all there is to know of what the upgrade sends.

    It is not where it depends on what the database answers, or on values that were bound.
    """
    return not (
        migration.assumptions
        or migration.unjudged
        or any(one.is_assumed or _BOUND_VALUE.search(one.sql) for one in migration.upgrade)
    )


def _hash(parts: Iterable[str]) -> str:
    whole = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).hexdigest()[:_LENGTH]


def _normalise(statement: Statement) -> str:
    """Return the statement as its tokens, with a blank between, and where it runs."""
    sql = statement.sql
    place = "outside" if statement.transaction is None else "inside"
    try:
        tokens = [sql[token.start : token.end] for token in read_tokens(sql)]
    except SqlSyntaxError:
        return f"{place} {' '.join(sql.split())}"
    # what is quoted is as it is written; the rest is the same in any case
    words = (word if {"'", '"', "$"} & {*word} else word.lower() for word in tokens)
    return f"{place} {' '.join(words)}"


def _list_code(text: str) -> Iterator[str]:
    """Yield the code of a revision's file in a form that is the same in all versions of Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield text
        return
    tree.body = [node for node in tree.body if not _is_elsewhere(node)]
    yield from _list_nodes(tree)


def _is_elsewhere(node: ast.stmt) -> bool:
    """Return whether a statement of the file has nothing to do with what `upgrade` does."""
    match node:
        case ast.FunctionDef(name="downgrade"):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name in _PLACES
        case ast.ImportFrom(module="__future__" | "typing" | "collections.abc"):
            return True
    return False


def _list_nodes(node: ast.AST) -> Iterator[str]:
    # neither recursion, which deep expressions are too much for, nor ast.dump, whose form changes
    waiting: list[object] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, ast.AST):
            yield type(one).__name__
            body = _without_docstring(one)
            for name in one._fields:
                value = body if body is not None and name == "body" else getattr(one, name, None)
                if value is not None and value != [] and name not in _UNSAID:
                    waiting += (value, f".{name}")
        elif isinstance(one, list):
            waiting += ("]", *one, "[")
        else:
            yield f"{type(one).__name__} {one!r}"


def _without_docstring(node: ast.AST) -> list[ast.stmt] | None:
    """Return the body without the text that explains it; None for what has no such body."""
    if not isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return None
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return node.body
